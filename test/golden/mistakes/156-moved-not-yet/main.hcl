moved {
  from = service.shop
  to   = service.store
}
