resource   foo  "bar" /* c */ "baz"   {
a=1
  bbb   = 2 # c1
c = 3    // c2
     # own line
d={
 x=1
   yyy=2
}
}
