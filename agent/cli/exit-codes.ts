/** What a shell says of a program that the signal SIGPIPE ended. */
export const NOBODY_READS = 141;
