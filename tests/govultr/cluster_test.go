package conformance

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/vultr/govultr/v3"
)

func (a *account) newestVersions() []string {
	a.t.Helper()
	versions, _, err := a.Kubernetes.GetVersions(a.ctx)
	a.must(err)
	return versions.Versions
}

func (a *account) newCluster(version, vpc string, pools ...govultr.NodePoolReq) *govultr.Cluster {
	a.t.Helper()
	cluster, _, err := a.Kubernetes.CreateCluster(a.ctx, &govultr.ClusterReq{
		Label: a.label(), Region: region, Version: version, VPCID: vpc, NodePools: pools,
	})
	a.must(err)
	a.answered(201)
	a.wire.whole("vke_cluster", govultr.Cluster{})
	return cluster
}

func pool(label string, nodes int) govultr.NodePoolReq {
	return govultr.NodePoolReq{
		Label: label, Plan: plan, NodeQuantity: nodes, Tag: "tf-vke-default", MinNodes: 1, MaxNodes: 5,
		AutoScaler: govultr.BoolToBoolPtr(false), UserData: "",
	}
}

func (a *account) clusterActive(id string) *govultr.Cluster {
	a.t.Helper()
	var cluster *govultr.Cluster
	a.until("active cluster "+id, func() bool {
		var err error
		cluster, _, err = a.Kubernetes.GetCluster(a.ctx, id)
		a.must(err)
		return cluster.Status == "active"
	})
	return cluster
}

// clusterGone waits until a deleted cluster is proved absent.
func (a *account) clusterGone(id string) {
	a.t.Helper()
	a.answered(204)
	a.until("absent cluster "+id, func() bool {
		_, _, err := a.Kubernetes.GetCluster(a.ctx, id)
		return err != nil
	})
	_, _, err := a.Kubernetes.GetCluster(a.ctx, id)
	a.refused(err, 404, "Invalid resource ID")
}

func TestCluster(t *testing.T) {
	a := open(t)
	version := a.newestVersions()[0]
	vpc := a.newVPC("10.80.0.0", 20)
	made := a.newCluster(version, vpc.ID, pool("system", 2))
	if made.Status != "pending" || made.IP != "0.0.0.0" || made.Version != version || len(made.NodePools) != 1 {
		t.Errorf("a new cluster: %+v", made)
	}
	if made.ClusterSubnet != "10.244.0.0/16" || made.ServiceSubnet != "10.96.0.0/12" || made.Endpoint != made.ID+".vultr-k8s.com" {
		t.Errorf("addresses of a new cluster: %+v", made)
	}

	active := a.clusterActive(made.ID)
	a.wire.whole("vke_cluster", govultr.Cluster{})
	if active.IP == "0.0.0.0" || len(active.NodePools) != 1 || len(active.NodePools[0].Nodes) != 2 {
		t.Errorf("an active cluster: %+v", active)
	}
	if ids := networks(active); ids != nil && !slices.Equal(ids, []string{vpc.ID}) {
		t.Errorf("networks of the cluster: %v instead of %s", ids, vpc.ID)
	}

	all, meta, _, err := a.Kubernetes.ListClusters(a.ctx, &govultr.ListOptions{PerPage: 500})
	a.must(err)
	a.wire.whole("vke_clusters", govultr.Cluster{})
	if meta.Total != len(all) || !slices.ContainsFunc(all, func(one govultr.Cluster) bool { return one.ID == made.ID }) {
		t.Errorf("the list of %d clusters lacks %s", meta.Total, made.ID)
	}

	renamed := a.label()
	a.must(a.Kubernetes.UpdateCluster(a.ctx, made.ID, &govultr.ClusterReqUpdate{Label: renamed}))
	a.answered(204)
	again, _, err := a.Kubernetes.GetCluster(a.ctx, made.ID)
	a.must(err)
	if again.Label != renamed {
		t.Errorf("label is %q instead of %q", again.Label, renamed)
	}
	if linked := a.linked(made.ID); len(linked) != 0 {
		t.Errorf("an idle cluster made %v", linked)
	}

	a.refusedWith(a.VPC.Delete(a.ctx, vpc.ID), 400, "attached to this VPC network")
	a.must(a.Kubernetes.DeleteCluster(a.ctx, made.ID))
	a.clusterGone(made.ID)
	a.removeVPC(vpc.ID)
}

func TestKubeconfig(t *testing.T) {
	a := open(t)
	made := a.newCluster(a.newestVersions()[0], "", pool("system", 1))
	active := a.clusterActive(made.ID)
	config, _, err := a.Kubernetes.GetKubeConfig(a.ctx, made.ID)
	a.must(err)
	yaml, err := base64.StdEncoding.DecodeString(config.KubeConfig)
	if err != nil {
		t.Fatalf("the kubeconfig is not padded base64: %v", err)
	}
	// The vendor's provider takes these out of the first cluster and the first user.
	for _, part := range []string{"clusters:", "users:", "certificate-authority-data:", "client-certificate-data:", "client-key-data:"} {
		if !strings.Contains(string(yaml), part) {
			t.Errorf("the kubeconfig lacks %q", part)
		}
	}
	own := networks(active)
	a.must(a.Kubernetes.DeleteClusterWithResources(a.ctx, made.ID))
	a.clusterGone(made.ID)
	for _, id := range own {
		a.removeVPC(id)
	}
}

func TestClusterUpgrade(t *testing.T) {
	a := open(t)
	versions := a.newestVersions()
	made := a.newCluster(versions[1], "", pool("system", 1))
	before := a.clusterActive(made.ID)
	upgrades, _, err := a.Kubernetes.GetUpgrades(a.ctx, made.ID)
	a.must(err)
	if !slices.Contains(upgrades, versions[0]) || slices.Contains(upgrades, versions[1]) {
		t.Fatalf("upgrades of %s: %v", versions[1], upgrades)
	}
	err = a.Kubernetes.Upgrade(a.ctx, made.ID, &govultr.ClusterUpgradeReq{UpgradeVersion: "v9.9.9+9"})
	a.refusedWith(err, 400, "")
	a.must(a.Kubernetes.Upgrade(a.ctx, made.ID, &govultr.ClusterUpgradeReq{UpgradeVersion: versions[0]}))
	a.answered(202)
	a.until("upgraded cluster", func() bool {
		cluster, _, err := a.Kubernetes.GetCluster(a.ctx, made.ID)
		a.must(err)
		nodes := cluster.NodePools[0].Nodes
		return cluster.Status == "active" && cluster.Version == versions[0] && len(nodes) == 1 && nodes[0].ID != before.NodePools[0].Nodes[0].ID
	})
	upgrades, _, err = a.Kubernetes.GetUpgrades(a.ctx, made.ID)
	a.must(err)
	if len(upgrades) != 0 {
		t.Errorf("the newest build has upgrades: %v", upgrades)
	}
	a.must(a.Kubernetes.DeleteCluster(a.ctx, made.ID))
	a.clusterGone(made.ID)
}

func TestClusterRefusals(t *testing.T) {
	a := open(t)
	version := a.newestVersions()[0]
	create := func(region, version string, pools ...govultr.NodePoolReq) error {
		_, _, err := a.Kubernetes.CreateCluster(a.ctx, &govultr.ClusterReq{Label: a.label(), Region: region, Version: version, NodePools: pools})
		return err
	}
	a.refused(create(region, version), 400, "Bad request.")
	a.refused(create(region, version, pool("system", 0)), 400, "`node_quantity` must be a positive integer.")
	a.refusedWith(create("nowhere", version, pool("system", 1)), 400, "egion")
	a.refusedWith(create(region, "v0.0.0+0", pool("system", 1)), 400, "ersion")
	a.refusedWith(create(region, version, pool("system", 1), pool("system", 1)), 400, "label")
	wrong := pool("system", 1)
	wrong.Plan = "no-such-plan"
	a.refusedWith(create(region, version, wrong), 400, "lan")
	wrong.Plan = "vc2-1c-1gb"
	a.refusedWith(create(region, version, wrong), 400, "lan")

	_, _, err := a.Kubernetes.GetCluster(a.ctx, unknown)
	a.refused(err, 404, "Invalid resource ID")
	a.refused(a.Kubernetes.DeleteCluster(a.ctx, unknown), 404, "Invalid resource ID")
	a.refused(a.Kubernetes.DeleteClusterWithResources(a.ctx, unknown), 404, "Invalid resource ID")
	a.refused(a.Kubernetes.UpdateCluster(a.ctx, unknown, &govultr.ClusterReqUpdate{Label: "x"}), 404, "Invalid resource ID")
	_, _, err = a.Kubernetes.GetKubeConfig(a.ctx, unknown)
	a.refused(err, 404, "Invalid resource ID")
	_, _, err = a.Kubernetes.GetUpgrades(a.ctx, unknown)
	a.refused(err, 404, "Invalid resource ID")
	_, _, _, err = a.Kubernetes.ListNodePools(a.ctx, unknown, nil)
	a.refused(err, 404, "Invalid resource ID")
}

// TestClusterBeforeItIsActive: while there is no control plane there is no kubeconfig, and a cluster may be deleted.
func TestClusterBeforeItIsActive(t *testing.T) {
	a := open(t)
	a.frozen(func() {
		made := a.newCluster(a.newestVersions()[0], "", pool("system", 1))
		pending, _, err := a.Kubernetes.GetCluster(a.ctx, made.ID)
		a.must(err)
		if pending.Status != "pending" || pending.IP != "0.0.0.0" {
			t.Errorf("a cluster on its way has status %s and address %s", pending.Status, pending.IP)
		}
		_, _, err = a.Kubernetes.GetKubeConfig(a.ctx, made.ID)
		a.refusedWith(err, 404, "")
		a.must(a.Kubernetes.DeleteCluster(a.ctx, made.ID))
		a.clusterGone(made.ID)
	})
}

// TestWithdrawnVersion: builds vanish; clusters that have them stay.
func TestWithdrawnVersion(t *testing.T) {
	a := open(t)
	version := a.newestVersions()[0]
	made := a.newCluster(version, "", pool("system", 1))
	a.order(map[string]any{"withdrawn": []string{version}})
	if left := a.newestVersions(); slices.Contains(left, version) {
		t.Errorf("%s is withdrawn and listed: %v", version, left)
	}
	_, _, err := a.Kubernetes.CreateCluster(a.ctx, &govultr.ClusterReq{Label: a.label(), Region: region, Version: version, NodePools: []govultr.NodePoolReq{pool("system", 1)}})
	a.refusedWith(err, 400, "ersion")
	if active := a.clusterActive(made.ID); active.Version != version {
		t.Errorf("the cluster moved to %s", active.Version)
	}
	a.must(a.Kubernetes.DeleteCluster(a.ctx, made.ID))
	a.clusterGone(made.ID)
}
