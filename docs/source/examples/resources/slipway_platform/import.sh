terraform import slipway_platform.main acme
