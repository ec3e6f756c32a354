//go:build !govultr332

package conformance

import (
	"fmt"

	"github.com/vultr/govultr/v3"
)

// errorText is how this version tells a refusal.
func errorText(text string, _ int) string {
	return "error returned from api : " + text
}

// networks gives the VPCs of a cluster, which this version can read.
func networks(cluster *govultr.Cluster) []string {
	var ids []string
	for _, vpc := range cluster.VPC {
		ids = append(ids, vpc.ID)
	}
	return ids
}

// linked lists what a cluster made: load balancers and volumes as `kind label`.
func (a *account) linked(cluster string) []string {
	a.t.Helper()
	resources, _, err := a.Kubernetes.GetClusterResources(a.ctx, cluster)
	a.must(err)
	a.answered(200)
	a.wire.whole("resources", govultr.ClusterResources{})
	found := []string{}
	for _, block := range resources.BlockStorages {
		found = append(found, fmt.Sprintf("block %s", block.Label))
	}
	for _, balancer := range resources.LoadBalancers {
		found = append(found, fmt.Sprintf("balancer %s", balancer.Label))
	}
	return found
}

// emptyNetworkLists checks nothing: the deprecated VPC 2.0 calls are gone from this version.
func (a *account) emptyNetworkLists(string) {}
