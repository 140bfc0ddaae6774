/** Zone serials go round: which of two comes later is a matter of the distance (RFC 1982 section 3.2). */

const half = 2 ** 31;

/** Whether `serial` is `than` or comes after it. Exactly half the circle apart, neither does: then it is not. */
export function isAtLeast(serial: number, than: number): boolean {
  const distance = (serial - than + 2 ** 32) % 2 ** 32;
  return distance < half;
}
