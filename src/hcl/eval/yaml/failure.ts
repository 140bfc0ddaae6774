/** A text that is not YAML, or not YAML that has a value here. */
export class YamlFailure extends Error {
  override readonly name = 'YamlFailure';
}
