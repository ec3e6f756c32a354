package conformance

import (
	"maps"
	"slices"
	"testing"

	"github.com/vultr/govultr/v3"
)

// withCluster runs a test inside an active cluster of its own, and takes the cluster away again.
func withCluster(t *testing.T, body func(a *account, cluster *govultr.Cluster)) {
	a := open(t)
	made := a.newCluster(a.newestVersions()[0], "", pool("system", 1))
	cluster := a.clusterActive(made.ID)
	body(a, cluster)
	a.must(a.Kubernetes.DeleteClusterWithResources(a.ctx, made.ID))
	a.clusterGone(made.ID)
	for _, id := range networks(cluster) {
		a.removeVPC(id)
	}
}

// nodesOf waits until a pool is active with so many nodes and gives their ids.
func (a *account) nodesOf(cluster, pool string, nodes int) []string {
	a.t.Helper()
	var ids []string
	a.until("active pool", func() bool {
		got, _, err := a.Kubernetes.GetNodePool(a.ctx, cluster, pool)
		a.must(err)
		ids = nil
		for _, node := range got.Nodes {
			if node.Status == "active" {
				ids = append(ids, node.ID)
			}
		}
		return got.Status == "active" && len(got.Nodes) == nodes && len(ids) == nodes
	})
	a.wire.whole("node_pool", govultr.NodePool{})
	return ids
}

func TestNodePool(t *testing.T) {
	withCluster(t, func(a *account, cluster *govultr.Cluster) {
		wanted := pool("memory", 1)
		wanted.Tag, wanted.AutoScaler = "mine", govultr.BoolToBoolPtr(true)
		wanted.Labels = map[string]string{"slipway.dev/pool": "memory"}
		wanted.Taints = []govultr.Taint{{Key: "slipway.dev/pool", Value: "memory", Effect: "NoSchedule"}}
		made, _, err := a.Kubernetes.CreateNodePool(a.ctx, cluster.ID, &wanted)
		a.must(err)
		a.answered(201)
		a.wire.whole("node_pool", govultr.NodePool{})
		if made.Label != "memory" || made.Tag != "mine" || !made.AutoScaler || !maps.Equal(made.Labels, wanted.Labels) || !slices.Equal(made.Taints, wanted.Taints) {
			t.Errorf("a new pool: %+v", made)
		}
		nodes := a.nodesOf(cluster.ID, made.ID, 1)

		pools, meta, _, err := a.Kubernetes.ListNodePools(a.ctx, cluster.ID, nil)
		a.must(err)
		a.wire.whole("node_pools", govultr.NodePool{})
		if len(pools) != 2 || meta.Total != 2 {
			t.Errorf("pools: %+v", pools)
		}
		workers, meta, _, err := a.Kubernetes.ListWorkerNodes(a.ctx, cluster.ID, made.ID, nil)
		a.must(err)
		a.wire.whole("worker_nodes", govultr.Node{})
		if len(workers) != 1 || workers[0].ID != nodes[0] || meta.Total != 1 {
			t.Errorf("nodes: %+v", workers)
		}
		server, _, err := a.Instance.Get(a.ctx, nodes[0])
		a.must(err)
		if server.Plan != plan {
			t.Errorf("the node's server has plan %s", server.Plan)
		}

		changed, _, err := a.Kubernetes.UpdateNodePool(a.ctx, cluster.ID, made.ID, &govultr.NodePoolReqUpdate{
			NodeQuantity: 3, MaxNodes: 6, AutoScaler: govultr.BoolToBoolPtr(false), Tag: govultr.StringToStringPtr("other"),
		})
		a.must(err)
		a.answered(202)
		a.wire.whole("node_pool", govultr.NodePool{})
		if changed.NodeQuantity != 3 || changed.MaxNodes != 6 || changed.AutoScaler || changed.Tag != "other" || changed.Plan != plan {
			t.Errorf("a changed pool: %+v", changed)
		}
		a.nodesOf(cluster.ID, made.ID, 3)
		a.must(a.Kubernetes.DeleteNodePool(a.ctx, cluster.ID, made.ID))
		a.answered(204)
		a.until("absent pool", func() bool {
			_, _, err := a.Kubernetes.GetNodePool(a.ctx, cluster.ID, made.ID)
			return err != nil
		})
		_, _, err = a.Kubernetes.GetNodePool(a.ctx, cluster.ID, made.ID)
		a.refused(err, 404, "Invalid NodePool ID")
	})
}

func TestNodes(t *testing.T) {
	withCluster(t, func(a *account, cluster *govultr.Cluster) {
		system := cluster.NodePools[0].ID
		before := a.nodesOf(cluster.ID, system, 1)
		a.must(a.Kubernetes.RecycleNodePoolInstance(a.ctx, cluster.ID, system, before[0]))
		a.answered(204)
		after := a.nodesOf(cluster.ID, system, 1)
		a.until("another node", func() bool {
			after = a.nodesOf(cluster.ID, system, 1)
			return after[0] != before[0]
		})

		// A node that is deleted as a server is made anew.
		a.must(a.Instance.Delete(a.ctx, after[0]))
		a.until("a node again", func() bool { return a.nodesOf(cluster.ID, system, 1)[0] != after[0] })
	})
}

func TestNodePoolLabelsAndTaints(t *testing.T) {
	withCluster(t, func(a *account, cluster *govultr.Cluster) {
		id, system := cluster.ID, cluster.NodePools[0].ID
		label, _, err := a.Kubernetes.CreateNodePoolLabel(a.ctx, id, system, &govultr.NodePoolLabelReq{Key: "team", Value: "one"})
		a.must(err)
		a.answered(201)
		a.wire.whole("label", govultr.NodePoolLabel{})
		labels, _, err := a.Kubernetes.ListNodePoolLabels(a.ctx, id, system)
		a.must(err)
		a.wire.whole("labels", govultr.NodePoolLabel{})
		if !slices.Contains(labels, *label) {
			t.Errorf("labels %v lack %v", labels, label)
		}
		again, _, err := a.Kubernetes.GetNodePoolLabel(a.ctx, id, system, label.ID)
		a.must(err)
		if *again != *label {
			t.Errorf("label is %v instead of %v", again, label)
		}
		a.must(a.Kubernetes.DeleteNodePoolLabel(a.ctx, id, system, label.ID))
		a.answered(204)
		_, _, err = a.Kubernetes.GetNodePoolLabel(a.ctx, id, system, label.ID)
		a.refusedWith(err, 404, "")

		wanted := govultr.NodePoolTaintReq{Key: "team", Value: "one", Effect: "NoSchedule"}
		taint, _, err := a.Kubernetes.CreateNodePoolTaint(a.ctx, id, system, &wanted)
		a.must(err)
		a.answered(201)
		a.wire.whole("taint", govultr.NodePoolTaint{})
		taints, _, err := a.Kubernetes.ListNodePoolTaints(a.ctx, id, system)
		a.must(err)
		if !slices.Contains(taints, *taint) || taint.Effect != "NoSchedule" {
			t.Errorf("taints %v lack %v", taints, taint)
		}
		same, _, err := a.Kubernetes.GetNodePoolTaint(a.ctx, id, system, taint.ID)
		a.must(err)
		if *same != *taint {
			t.Errorf("taint is %v instead of %v", same, taint)
		}
		a.must(a.Kubernetes.DeleteNodePoolTaint(a.ctx, id, system, taint.ID))
		a.answered(204)
		_, _, err = a.Kubernetes.GetNodePoolTaint(a.ctx, id, system, taint.ID)
		a.refusedWith(err, 404, "")
		wanted.Effect = "Sometimes"
		_, _, err = a.Kubernetes.CreateNodePoolTaint(a.ctx, id, system, &wanted)
		a.refusedWith(err, 400, "")
	})
}

func TestNodePoolRefusals(t *testing.T) {
	withCluster(t, func(a *account, cluster *govultr.Cluster) {
		id, system := cluster.ID, cluster.NodePools[0].ID
		empty, twice := pool("empty", 0), pool("system", 1)
		_, _, err := a.Kubernetes.CreateNodePool(a.ctx, id, &empty)
		a.refused(err, 400, "`node_quantity` must be a positive integer.")
		_, _, err = a.Kubernetes.CreateNodePool(a.ctx, id, &twice)
		a.refusedWith(err, 400, "label")
		_, _, err = a.Kubernetes.GetNodePool(a.ctx, id, unknown)
		a.refused(err, 404, "Invalid NodePool ID")
		_, _, err = a.Kubernetes.UpdateNodePool(a.ctx, id, unknown, &govultr.NodePoolReqUpdate{NodeQuantity: 2})
		a.refused(err, 404, "Invalid NodePool ID")
		a.refused(a.Kubernetes.DeleteNodePool(a.ctx, id, unknown), 404, "Invalid NodePool ID")
		_, _, err = a.Kubernetes.ListNodePoolLabels(a.ctx, id, unknown)
		a.refused(err, 404, "Invalid NodePool ID")
		_, _, _, err = a.Kubernetes.ListWorkerNodes(a.ctx, id, unknown, nil)
		a.refused(err, 404, "Invalid NodePool ID")
		_, _, err = a.Kubernetes.GetNodePool(a.ctx, unknown, system)
		a.refused(err, 404, "Invalid resource ID")
		a.refusedWith(a.Kubernetes.DeleteNodePool(a.ctx, id, system), 400, "")
	})
}
