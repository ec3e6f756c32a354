package acceptance

import (
	"fmt"
	"os"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

const theClaim = "slipway_environment_claim.x"

func claim(platform, service string) string {
	return fmt.Sprintf(`
resource "slipway_environment_claim" "x" {
  platform_id      = %q
  environment_name = "dev-team1-harness"
  environment_type = "dev"
  environment_pool = "team1"
  user             = "john.doe@company.com"
  services         = { "user-service" = %q }
}
`, platform, service)
}

// TestEnvironmentClaim wants a platform with an object store: the test of claims, which has one, starts it.
func TestEnvironmentClaim(t *testing.T) {
	platform := os.Getenv("SLIPWAY_TEST_PLATFORM")
	if platform == "" {
		t.Skip("SLIPWAY_TEST_PLATFORM names no platform with an object store")
	}
	theAccount(t)
	resource.Test(t, resource.TestCase{
		ExternalProviders: provider,
		Steps: []resource.TestStep{
			{
				Config:           claim(platform, "v1.2.3"),
				ConfigPlanChecks: planned(theClaim, plancheck.ResourceActionCreate),
				ConfigStateChecks: []statecheck.StateCheck{
					holds(theClaim, "key", knownvalue.StringExact("dev-team1-harness.json")),
					holds(theClaim, "etag", knownvalue.NotNull()),
				},
			},
			{
				Config:           claim(platform, "^1.0.0.0"),
				ConfigPlanChecks: planned(theClaim, plancheck.ResourceActionUpdate),
			},
			{
				ResourceName:      theClaim,
				ImportState:       true,
				ImportStateId:     platform + "/dev-team1-harness",
				ImportStateVerify: true,
			},
		},
	})
}
