//go:build govultr332

package conformance

import (
	"fmt"

	"github.com/vultr/govultr/v3"
)

// errorText is how this version tells a refusal: the body as it came. The vendor's Terraform provider reads it as JSON.
func errorText(text string, status int) string {
	return fmt.Sprintf(`{"error":%s,"status":%d}`, quoted(text), status)
}

// networks gives nothing: this version does not read the VPCs of a cluster.
func networks(*govultr.Cluster) []string { return nil }

// linked gives nothing: this version has no call for what a cluster made.
func (a *account) linked(string) []string { return []string{} }

// emptyNetworkLists checks the deprecated VPC 2.0 call that the vendor's Terraform provider makes on every read.
func (a *account) emptyNetworkLists(instance string) {
	a.t.Helper()
	vpcs, meta, _, err := a.Instance.ListVPC2Info(a.ctx, instance, nil) //nolint:staticcheck
	a.must(err)
	if len(vpcs) != 0 || meta == nil || meta.Links == nil {
		a.t.Errorf("VPC 2.0 of an instance: %v %+v", vpcs, meta)
	}
}
