version = null
