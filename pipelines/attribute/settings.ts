/** How the owner of a charge is found; the first that answers wins. */
export interface AttributeSettings {
  /** Tag keys whose value is the owner, in order; matched without case. */
  readonly tags: readonly string[];
  /** Sub account id → owner. */
  readonly accounts: Readonly<Record<string, string>>;
  /** Owner of the rest. */
  readonly fallback: string;
}
