/** The program that does nothing: what starting a compiled program costs by itself. */
export {};
