output "next" {
  value = provider::slipway::resolve_version("^1.0.0.0", ["v0.9.0", "v1.2.0", "v1.10.0"])
}
