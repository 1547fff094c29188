export { type CheckedSource, type CheckFileOptions, checkFile } from './check-file.ts';
export { type Checker, type CheckerOptions, createChecker } from './checker.ts';
export { type Identity, identify } from './header.ts';
export {
  type CheckReport,
  type Example,
  type FormatOptions,
  formatCheckReport,
  type Note,
  type Violation,
  violationCounts,
} from './report.ts';
export type { Dataset, Keyword, Level, Rule, RuleKind } from './rule.ts';
export { checkRules } from './rules.ts';
