x {
y { z = 1 }
  # comment
      # another
}   # after
