/** What tells the charges of a batch apart, row by row. Valid until the next batch is identified. */
export interface ChargeIds {
  /** Four 32-bit words per row: the hash of what the charge says. */
  readonly hashes: Int32Array;
  /** Per row: 1 for the first charge of its scope that says this, 2 for the second, … */
  readonly ordinals: Uint32Array;
  /** Where a scope's revisions are told apart: the number of the one that sent the charge. */
  readonly revisions?: Uint32Array;
  /** The charges are taken back, by the revision of this number. */
  readonly correction?: number;
}
