locals {
  tags = ["v0.9.0", "v1.2.0", "v1.10.0", "v2.0.0-rc.1", "latest"]
}

output "versions" {
  value = {
    exact     = provider::slipway::resolve_version("1.2.0", local.tags)        # v1.2.0, in the registry's spelling
    at_least  = provider::slipway::resolve_version("^1.0.0.0", local.tags)     # v1.10.0: no ceiling, unlike semver's caret
    pattern   = provider::slipway::resolve_version("1.x.x.x", local.tags)      # v1.10.0
    range     = provider::slipway::resolve_version(">=1.0, <1.10", local.tags) # v1.2.0
    candidate = provider::slipway::resolve_version(">=2.0.0-rc.1", local.tags) # v2.0.0-rc.1, because it is named
    latest    = provider::slipway::resolve_version("latest", local.tags)       # the tag of that name
    newest    = provider::slipway::resolve_version("*", local.tags)            # v1.10.0
  }
}
