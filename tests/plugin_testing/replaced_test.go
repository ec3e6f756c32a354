package acceptance

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

// replaced wants a replacement, whichever of old and new comes first.
type replaced struct {
	address string
}

func (r replaced) CheckPlan(_ context.Context, request plancheck.CheckPlanRequest, response *plancheck.CheckPlanResponse) {
	for _, change := range request.Plan.ResourceChanges {
		if change.Address == r.address {
			if !change.Change.Actions.Replace() {
				response.Error = fmt.Errorf("%s is planned as %v, not as a replacement", r.address, change.Change.Actions)
			}
			return
		}
	}
	response.Error = fmt.Errorf("%s is not planned at all", r.address)
}
