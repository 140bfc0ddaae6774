/** Thrown for bytes that are no DNS message, and for what cannot be written as one. */
export class Malformed extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'Malformed';
  }
}
