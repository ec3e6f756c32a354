package acceptance

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

const thePlatform = "slipway_platform.main"

// platform is a configuration of one, named so, in a network of its own, without the components that need a host.
func platform(name string, network, mostNodes int) string {
	var without strings.Builder
	for _, component := range strings.Split(os.Getenv("SLIPWAY_TEST_COMPONENTS"), ",") {
		fmt.Fprintf(&without, "    %s = { enabled = false }\n", component)
	}
	return fmt.Sprintf(`
resource "slipway_platform" "main" {
  name                = %q
  region              = "ams"
  domain              = "%s.example"
  kubernetes_version  = "1.36"
  network_cidr        = "10.%d.0.0/20"
  system_pool         = { plan = "vc2-4c-8gb", min_nodes = 1, max_nodes = %d }
  deletion_protection = false
  on_destroy          = { environments = "refuse", volumes = "delete", load_balancers = "delete" }
  components = {
%s  }
}
`, name, name, network, mostNodes, without.String())
}

func planned(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{
		PreApply:             []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)},
		PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
	}
}

// nothingPlanned checks a step that must find the world as its configuration wants it.
func nothingPlanned() resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
}

func holds(address, attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), value)
}

func TestPlatform(t *testing.T) {
	account := theAccount(t)
	const name = "harness"
	resource.Test(t, resource.TestCase{
		ExternalProviders: provider,
		CheckDestroy:      account.nothingLeft(name),
		Steps: []resource.TestStep{
			{
				Config:           platform(name, 20, 2),
				ConfigPlanChecks: planned(thePlatform, plancheck.ResourceActionCreate),
				ConfigStateChecks: []statecheck.StateCheck{
					holds(thePlatform, "id", knownvalue.StringExact(name)),
					holds(thePlatform, "phase", knownvalue.StringExact("ready")),
					holds(thePlatform, "mark", knownvalue.StringExact("slipway:"+name)),
					holds(thePlatform, "cluster_id", knownvalue.NotNull()),
					holds(thePlatform, "vpc_id", knownvalue.NotNull()),
				},
			},
			{
				Config:           platform(name, 20, 2),
				ConfigPlanChecks: nothingPlanned(),
			},
			{
				Config:           platform(name, 20, 4),
				ConfigPlanChecks: planned(thePlatform, plancheck.ResourceActionUpdate),
				Check:            resource.TestCheckResourceAttr(thePlatform, "system_pool.max_nodes", "4"),
			},
			{
				// Somebody takes the mark away at the console.
				PreConfig: func() {
					id := account.cluster("slipway:" + name)["id"].(string)
					account.call("PUT", "/v2/kubernetes/clusters/"+id, object{"label": "renamed"})
				},
				RefreshState:       true,
				ExpectNonEmptyPlan: true,
			},
			{
				Config:           platform(name, 20, 4),
				ConfigPlanChecks: planned(thePlatform, plancheck.ResourceActionUpdate),
			},
			{
				// Which create made it stands in the state alone.
				ResourceName:            thePlatform,
				ImportState:             true,
				ImportStateId:           name,
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"incarnation"},
			},
			{
				// An import block: the plan must import and change nothing.
				ResourceName:    thePlatform,
				ImportState:     true,
				ImportStateKind: resource.ImportBlockWithID,
				ImportStateId:   name,
			},
		},
	})
}

func TestPlatformOfAnotherNameIsAReplacement(t *testing.T) {
	account := theAccount(t)
	resource.Test(t, resource.TestCase{
		ExternalProviders: provider,
		CheckDestroy:      account.nothingLeft("renamed"),
		Steps: []resource.TestStep{
			{
				Config:           platform("renamed-from", 21, 2),
				ConfigPlanChecks: planned(thePlatform, plancheck.ResourceActionCreate),
			},
			{
				Config:           platform("renamed-to", 22, 2),
				ConfigPlanChecks: planned(thePlatform, plancheck.ResourceActionDestroyBeforeCreate),
				Check:            account.nothingLeft("renamed-from"),
			},
		},
	})
}
