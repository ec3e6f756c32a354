# terraform query
list "slipway_platform" "all" {
  provider = slipway
}
