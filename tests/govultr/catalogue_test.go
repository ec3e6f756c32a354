package conformance

import (
	"slices"
	"testing"

	"github.com/vultr/govultr/v3"
)

func TestAccount(t *testing.T) {
	a := open(t)
	account, _, err := a.Account.Get(a.ctx)
	a.must(err)
	a.answered(200)
	a.wire.whole("account", govultr.Account{})
	if account.Email == "" || !slices.Contains(account.ACL, "provisioning") {
		t.Errorf("account: %+v", account)
	}
}

func TestCatalogueIsPublic(t *testing.T) {
	a := openWith(t, "no-key-at-all")
	regions, _, _, err := a.Region.List(a.ctx, nil)
	a.must(err)
	a.wire.whole("regions", govultr.Region{})
	home := slices.IndexFunc(regions, func(one govultr.Region) bool { return one.ID == region })
	if home < 0 || !slices.Contains(regions[home].Options, "kubernetes") {
		t.Fatalf("no region %s with clusters in %+v", region, regions)
	}

	stock, _, err := a.Region.Availability(a.ctx, region, "")
	a.must(err)
	if !slices.Contains(stock.AvailablePlans, plan) {
		t.Errorf("%s is not in stock: %v", plan, stock.AvailablePlans)
	}

	images, meta, _, err := a.OS.List(a.ctx, &govultr.ListOptions{PerPage: 500})
	a.must(err)
	a.wire.whole("os", govultr.OS{})
	if meta.Total != len(images) || !slices.ContainsFunc(images, func(one govultr.OS) bool { return one.ID == debian }) {
		t.Errorf("images: %d of %d, or no %d", len(images), meta.Total, debian)
	}

	versions, _, err := a.Kubernetes.GetVersions(a.ctx)
	a.must(err)
	if len(versions.Versions) < 2 || versions.Versions[0] < versions.Versions[1] {
		t.Errorf("versions are not several, newest first: %v", versions.Versions)
	}
}

func TestPlans(t *testing.T) {
	a := openWith(t, "no-key-at-all")
	plans, meta, _, err := a.Plan.List(a.ctx, "", &govultr.ListOptions{PerPage: 500})
	a.must(err)
	a.wire.whole("plans", govultr.Plan{})
	if meta.Total != len(plans) {
		t.Errorf("%d plans of %d on one page of 500", len(plans), meta.Total)
	}
	at := slices.IndexFunc(plans, func(one govultr.Plan) bool { return one.ID == plan })
	if at < 0 {
		t.Fatalf("no plan %s", plan)
	}
	if got := plans[at]; got.VCPUCount != 2 || got.RAM != 4096 || got.Disk != 80 || got.MonthlyCost != 20 || got.Type != "vc2" {
		t.Errorf("%s: %+v", plan, got)
	}

	shared, _, _, err := a.Plan.List(a.ctx, "vc2", nil)
	a.must(err)
	if len(shared) == 0 || slices.ContainsFunc(shared, func(one govultr.Plan) bool { return one.Type != "vc2" }) {
		t.Errorf("plans of type vc2: %+v", shared)
	}
	_, _, _, err = a.Plan.List(a.ctx, "bogus", nil)
	a.refused(err, 400, "Please provide a valid type: all, vdc, vhp, vhf, vc2, voc, vcg, vdg, vdm, vx1, voc-g, voc-s, voc-c, voc-m")
}

func TestWrongKey(t *testing.T) {
	a := openWith(t, "wrong")
	_, _, err := a.Account.Get(a.ctx)
	a.refused(err, 401, "Invalid API token.")
	_, _, _, err = a.VPC.List(a.ctx, nil)
	a.refused(err, 401, "Invalid API token.")
	_, _, err = a.Kubernetes.CreateCluster(a.ctx, &govultr.ClusterReq{})
	a.refused(err, 401, "Invalid API token.")
}
