resource "foo" "bar" /* 3 */ {
}
