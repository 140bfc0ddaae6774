/** `10.0.1.11:8081`, `[2001:db8::1]:8081`, `web-1.internal.test:8081`. */
export const endpointText = (address: string, port: number | string): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
