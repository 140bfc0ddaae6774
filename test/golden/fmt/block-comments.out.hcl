/* multi
   line */ a = 1
b                     = 1 /* multi
 line */
c                     = [/* x */ 1]
