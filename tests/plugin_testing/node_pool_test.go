package acceptance

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

const thePool = "slipway_node_pool.extra"

func pool(kind string, mostNodes int) string {
	return fmt.Sprintf(`
resource "slipway_node_pool" "extra" {
  cluster_id = slipway_platform.main.cluster_id
  name       = "extra"
  kind       = %q
  min_nodes  = 1
  max_nodes  = %d
}
`, kind, mostNodes)
}

func poolImportID(state *terraform.State) (string, error) {
	found, ok := state.RootModule().Resources[thePool]
	if !ok {
		return "", fmt.Errorf("no %s in the state", thePool)
	}
	return found.Primary.Attributes["cluster_id"] + "/" + found.Primary.ID, nil
}

func TestNodePool(t *testing.T) {
	account := theAccount(t)
	const name = "pools"
	with := func(kind string, mostNodes int) string {
		return platform(name, 30, 1) + pool(kind, mostNodes)
	}
	resource.Test(t, resource.TestCase{
		ExternalProviders: provider,
		CheckDestroy:      account.nothingLeft(name),
		Steps: []resource.TestStep{
			{
				Config:           with("general-public", 1),
				ConfigPlanChecks: planned(thePool, plancheck.ResourceActionCreate),
				ConfigStateChecks: []statecheck.StateCheck{
					holds(thePool, "plan", knownvalue.StringExact("vc2-2c-4gb")),
					holds(thePool, "autoscale", knownvalue.Bool(false)),
				},
			},
			{
				Config:           with("general-public", 3),
				ConfigPlanChecks: planned(thePool, plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					holds(thePool, "autoscale", knownvalue.Bool(true)),
				},
			},
			{
				// Somebody narrows the pool at the console.
				PreConfig: func() {
					cluster := account.cluster("slipway:" + name)["id"].(string)
					id := account.pool("slipway:"+name, "extra")["id"].(string)
					path := fmt.Sprintf("/v2/kubernetes/clusters/%s/node-pools/%s", cluster, id)
					account.call("PATCH", path, object{"max_nodes": 2})
				},
				RefreshState:       true,
				ExpectNonEmptyPlan: true,
			},
			{
				Config:           with("general-public", 3),
				ConfigPlanChecks: planned(thePool, plancheck.ResourceActionUpdate),
			},
			{
				ResourceName:      thePool,
				ImportState:       true,
				ImportStateIdFunc: poolImportID,
				ImportStateVerify: true,
			},
			{
				// An import block: the plan must import and change nothing.
				ResourceName:      thePool,
				ImportState:       true,
				ImportStateKind:   resource.ImportBlockWithID,
				ImportStateIdFunc: poolImportID,
			},
			{
				// Another kind means another plan: the pool is replaced in place, the resource stays.
				Config: with("memory", 3),
				ConfigPlanChecks: resource.ConfigPlanChecks{
					PreApply: []plancheck.PlanCheck{
						plancheck.ExpectResourceAction(thePlatform, plancheck.ResourceActionNoop),
						plancheck.ExpectResourceAction(thePool, plancheck.ResourceActionUpdate),
					},
				},
				ConfigStateChecks: []statecheck.StateCheck{
					holds(thePool, "plan", knownvalue.StringExact("voc-m-2c-16gb-100s")),
				},
			},
		},
	})
}
