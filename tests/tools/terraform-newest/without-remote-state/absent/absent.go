// Package absent is a state backend that this build of Terraform does not have and says so.
package absent

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/hashicorp/terraform/internal/backend"
	"github.com/hashicorp/terraform/internal/configs/configschema"
	"github.com/hashicorp/terraform/internal/states/statemgr"
	"github.com/hashicorp/terraform/internal/tfdiags"
)

// New names the backend that a configuration may ask for.
func New(name string) backend.Backend {
	return missing{name}
}

type missing struct{ name string }

func (m missing) refusal() (refusal tfdiags.Diagnostics) {
	return refusal.Append(fmt.Errorf("this Terraform was built for tests, without the backend %q", m.name))
}

func (m missing) ConfigSchema() *configschema.Block {
	return &configschema.Block{}
}

func (m missing) PrepareConfig(given cty.Value) (cty.Value, tfdiags.Diagnostics) {
	return given, m.refusal()
}

func (m missing) Configure(cty.Value) tfdiags.Diagnostics {
	return m.refusal()
}

func (m missing) StateMgr(string) (statemgr.Full, tfdiags.Diagnostics) {
	return nil, m.refusal()
}

func (m missing) DeleteWorkspace(string, bool) tfdiags.Diagnostics {
	return m.refusal()
}

func (m missing) Workspaces() ([]string, tfdiags.Diagnostics) {
	return nil, m.refusal()
}
