/** Expressions that say the same, though a table makes them anew wherever it needs them: `amount('Cost')` and `amount('Cost')`. */
import type { Expression } from './expressions.ts';

/** Those of one table. */
export class SameExpressions {
  readonly #known = new Map<Expression, Expression>();
  readonly #byKey = new Map<string, Expression>();
  /** Numbers of functions and of expressions that were the first to say what they say. */
  readonly #numbers = new Map<object, number>();

  /** The first that said the same: with the same function, value and inputs. */
  firstOf(expression: Expression): Expression {
    let first = this.#known.get(expression);
    if (first === undefined) {
      const key = this.#key(expression);
      first = this.#byKey.get(key) ?? expression;
      this.#byKey.set(key, first);
      this.#known.set(expression, first);
    }
    return first;
  }

  #key(of: Expression): string {
    const value = 'value' in of ? of.value : undefined;
    const signs = 'signs' in of ? of.signs : undefined;
    const fn = of.fn === undefined ? undefined : this.#number(of.fn);
    const inputs = of.inputs.map((input) => this.#number(this.firstOf(input)));
    return JSON.stringify([of.kind, of.op, value, signs, fn, inputs]);
  }

  #number(of: object): number {
    const number = this.#numbers.get(of) ?? this.#numbers.size;
    this.#numbers.set(of, number);
    return number;
  }
}
