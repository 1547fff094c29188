/** Turns rules into questions per column and into one judgement per combination of classes. */
import { Classes, oneOf, type Question, questionOf } from './classes.ts';
import { type PairCheck, pairCheck } from './pairs.ts';
import type { Atom, Rule } from './rule.ts';
import { columnsOfRule } from './rules.ts';

/** One step of a signature: a column sorted into classes, or a check of several columns. */
export type Step =
  | { readonly kind: 'column'; readonly header: string; readonly classes: Classes }
  | { readonly kind: 'pair'; readonly check: PairCheck };

/** A rule that can be judged from the classes of a row. */
export interface RowRule {
  readonly rule: Rule;
  /** Whether the condition of the rule holds. */
  readonly applies: (classes: Uint16Array) => boolean;
  /** Whether the rule is broken, given that it applies. */
  readonly broken: (classes: Uint16Array) => boolean;
}

/** The steps and rules for a part with these columns. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly rules: readonly RowRule[];
}

/**
 * Plans the row rules. `header` gives the name of a FOCUS column in the part. Rules whose own columns the part lacks are left
 * out; a condition on a missing column holds as if it were null, but rules that ask whether it is null are left out too.
 */
export function planRules(
  rules: readonly Rule[],
  header: (name: string) => string | undefined,
): Plan {
  const planner = new Planner(header);
  const planned = rules.flatMap((rule) => planner.plan(rule) ?? []);
  return { steps: planner.steps(), rules: planned };
}

/** Whether the part has what the rule looks at. */
export function canApply(rule: Rule, header: (name: string) => string | undefined): boolean {
  const asked = (rule.when ?? []).flat().filter(({ op }) => op === 'in' || op === 'notIn');
  const lenient = new Set(asked.map(({ column }) => column));
  return columnsOfRule(rule).every(
    (column) => header(column) !== undefined || (lenient.has(column) && column !== rule.column),
  );
}

type Look = (classes: Uint16Array) => boolean;

class Planner {
  readonly #header: (name: string) => string | undefined;
  readonly #columns = new Map<string, { readonly step: number; readonly questions: Question[] }>();
  readonly #pairs = new Map<string, { readonly step: number; readonly check: PairCheck }>();
  readonly #answers: (readonly (readonly boolean[])[])[] = [];
  #steps = 0;

  constructor(header: (name: string) => string | undefined) {
    this.#header = header;
  }

  plan(rule: Rule): RowRule | undefined {
    if (!canApply(rule, this.#header)) return undefined;
    const broken = this.#broken(rule);
    if (broken === undefined) return undefined;
    const condition = rule.when?.map((atoms) => atoms.map((atom) => this.#atom(atom)));
    return {
      rule,
      broken,
      applies:
        condition === undefined
          ? () => true
          : (classes) => condition.some((looks) => looks.every((look) => look(classes))),
    };
  }

  steps(): readonly Step[] {
    const steps: Step[] = [];
    for (const [header, { step, questions }] of this.#columns) {
      const classes = new Classes(questions);
      this.#answers[step] = classes.answers;
      steps[step] = { kind: 'column', header, classes };
    }
    for (const { step, check } of this.#pairs.values()) steps[step] = { kind: 'pair', check };
    return steps;
  }

  #broken({ check, column }: Rule): Look | undefined {
    if (check.op === 'null') return this.#isNull(column, false);
    if (check.op === 'notNull') return this.#isNull(column, true);
    const question = questionOf(check);
    if (question !== undefined) {
      const yes = this.#question(column, question);
      const isNull = this.#isNull(column, true);
      return (classes) => !isNull(classes) && !yes(classes);
    }
    if (check.op === 'jsonWith') return this.#isNull(column, false);
    return this.#pair({ check, column });
  }

  #pair({ check, column }: Pick<Rule, 'check' | 'column'>): Look | undefined {
    const key =
      check.op === 'product'
        ? `${check.a} * ${check.b} = ${check.result}`
        : `${column} ${JSON.stringify(check)}`;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      const of = pairCheck(check, column, this.#header);
      if (of === undefined) return undefined;
      pair = { step: this.#steps++, check: of };
      this.#pairs.set(key, pair);
    }
    const { step } = pair;
    return (classes) => classes[step] === 1;
  }

  #atom({ column, op, values }: Atom): Look {
    if (op === 'null' || op === 'notNull') return this.#isNull(column, op === 'null');
    const wanted = op === 'in';
    if (this.#header(column) === undefined) return () => !wanted;
    const isNull = this.#isNull(column, true);
    const yes = this.#question(column, oneOf(values, true));
    return (classes) => (!isNull(classes) && yes(classes)) === wanted;
  }

  #isNull(column: string, wanted: boolean): Look {
    const { step } = this.#column(column);
    return (classes) => (classes[step] === 0) === wanted;
  }

  #question(column: string, question: Question): Look {
    const { step, questions } = this.#column(column);
    let index = questions.findIndex(({ key }) => key === question.key);
    if (index < 0) index = questions.push(question) - 1;
    return (classes) => this.#answers[step]?.[classes[step] as number]?.[index] === true;
  }

  #column(name: string): { readonly step: number; readonly questions: Question[] } {
    const header = this.#header(name) ?? name;
    let column = this.#columns.get(header);
    if (column === undefined) {
      column = { step: this.#steps++, questions: [] };
      this.#columns.set(header, column);
    }
    return column;
  }
}
