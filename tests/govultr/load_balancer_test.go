package conformance

import (
	"slices"
	"testing"

	"github.com/vultr/govultr/v3"
)

func forward(port int) govultr.ForwardingRule {
	return govultr.ForwardingRule{FrontendProtocol: "tcp", FrontendPort: port, BackendProtocol: "tcp", BackendPort: port + 30000}
}

// checkNulls checks what the vendor's Terraform provider dereferences without a look.
func checkNulls(t *testing.T, balancer *govultr.LoadBalancer) {
	t.Helper()
	if balancer.AutoSSL == nil || balancer.HealthCheck == nil || balancer.GenericInfo == nil || balancer.GenericInfo.StickySessions == nil {
		t.Errorf("a null in %+v", balancer)
	}
	if balancer.SSLInfo == nil || balancer.GenericInfo.SSLRedirect == nil || balancer.GenericInfo.ProxyProtocol == nil {
		t.Errorf("an absent switch in %+v", balancer)
	}
}

func TestLoadBalancer(t *testing.T) {
	a := open(t)
	var made *govultr.LoadBalancer
	var err error
	a.frozen(func() {
		made, _, err = a.LoadBalancer.Create(a.ctx, &govultr.LoadBalancerReq{
			Region: region, Label: a.label(), ForwardingRules: []govultr.ForwardingRule{forward(80)},
			HealthCheck:        &govultr.HealthCheck{Protocol: "tcp", Port: 80, CheckInterval: 15, ResponseTimeout: 5, UnhealthyThreshold: 5, HealthyThreshold: 5},
			BalancingAlgorithm: "leastconn", ProxyProtocol: govultr.BoolToBoolPtr(true),
		})
		a.must(err)
		a.answered(202)
		checkNulls(t, made)
		if made.Status == "active" || made.Nodes != 1 {
			t.Errorf("a new load balancer: %+v", made)
		}
		a.refusedWith(a.LoadBalancer.Update(a.ctx, made.ID, &govultr.LoadBalancerReq{Label: "too-early"}), 400, "activating")
		a.refused(a.LoadBalancer.Delete(a.ctx, made.ID), 400, "Load balancer is not ready.")
	})

	var active *govultr.LoadBalancer
	a.until("active load balancer", func() bool {
		active, _, err = a.LoadBalancer.Get(a.ctx, made.ID)
		a.must(err)
		return active.Status == "active"
	})
	checkNulls(t, active)
	if active.IPV4 == "" || active.GenericInfo.BalancingAlgorithm != "leastconn" || !*active.GenericInfo.ProxyProtocol || active.HealthCheck.Port != 80 {
		t.Errorf("an active load balancer: %+v %+v", active, active.GenericInfo)
	}
	if len(active.ForwardingRules) != 1 || active.ForwardingRules[0].FrontendPort != 80 || active.ForwardingRules[0].RuleID == "" {
		t.Errorf("rules: %+v", active.ForwardingRules)
	}

	all, meta, _, err := a.LoadBalancer.List(a.ctx, &govultr.ListOptions{PerPage: 500})
	a.must(err)
	if meta.Total != len(all) || !slices.ContainsFunc(all, func(one govultr.LoadBalancer) bool { return one.ID == made.ID }) {
		t.Errorf("the list of %d lacks %s", meta.Total, made.ID)
	}
	// The vendor's provider sends an empty change before it deletes.
	a.must(a.LoadBalancer.Update(a.ctx, made.ID, &govultr.LoadBalancerReq{}))
	a.answered(204)
	a.must(a.LoadBalancer.Update(a.ctx, made.ID, &govultr.LoadBalancerReq{Label: "renamed"}))
	renamed, _, err := a.LoadBalancer.Get(a.ctx, made.ID)
	a.must(err)
	if renamed.Label != "renamed" || renamed.GenericInfo.BalancingAlgorithm != "leastconn" {
		t.Errorf("a renamed load balancer: %+v", renamed)
	}

	a.forwardingRules(made.ID)
	a.must(a.LoadBalancer.Delete(a.ctx, made.ID))
	a.answered(204)
	_, _, err = a.LoadBalancer.Get(a.ctx, made.ID)
	a.refusedWith(err, 404, "")
}

func (a *account) forwardingRules(id string) {
	a.t.Helper()
	wanted := forward(443)
	rule, _, err := a.LoadBalancer.CreateForwardingRule(a.ctx, id, &wanted)
	a.must(err)
	a.answered(202)
	rules, meta, _, err := a.LoadBalancer.ListForwardingRules(a.ctx, id, nil)
	a.must(err)
	if len(rules) != 2 || !slices.Contains(rules, *rule) || meta == nil || meta.Links == nil {
		a.t.Errorf("rules: %+v, %+v", rules, meta)
	}
	got, _, err := a.LoadBalancer.GetForwardingRule(a.ctx, id, rule.RuleID)
	a.must(err)
	if *got != *rule {
		a.t.Errorf("rule is %+v instead of %+v", got, rule)
	}
	a.must(a.LoadBalancer.DeleteForwardingRule(a.ctx, id, rule.RuleID))
	a.answered(204)
	_, _, err = a.LoadBalancer.GetForwardingRule(a.ctx, id, rule.RuleID)
	a.refusedWith(err, 404, "")
}

func TestLoadBalancerRefusals(t *testing.T) {
	a := open(t)
	_, _, err := a.LoadBalancer.Get(a.ctx, unknown)
	a.refusedWith(err, 404, "")
	a.refusedWith(a.LoadBalancer.Delete(a.ctx, unknown), 404, "")
	_, _, err = a.LoadBalancer.Create(a.ctx, &govultr.LoadBalancerReq{Region: "nowhere", ForwardingRules: []govultr.ForwardingRule{forward(80)}})
	a.refusedWith(err, 400, "egion")
}

// TestLoadBalancerInNetwork: it holds the network that it is in.
func TestLoadBalancerInNetwork(t *testing.T) {
	a := open(t)
	vpc := a.newVPC("10.81.0.0", 24)
	made, _, err := a.LoadBalancer.Create(a.ctx, &govultr.LoadBalancerReq{
		Region: region, Label: a.label(), VPC: &vpc.ID, ForwardingRules: []govultr.ForwardingRule{forward(80)},
	})
	a.must(err)
	a.until("active load balancer", func() bool {
		got, _, err := a.LoadBalancer.Get(a.ctx, made.ID)
		a.must(err)
		return got.Status == "active" && got.GenericInfo.VPC == vpc.ID
	})
	a.refusedWith(a.VPC.Delete(a.ctx, vpc.ID), 400, "attached to this VPC network")
	a.must(a.LoadBalancer.Delete(a.ctx, made.ID))
	a.removeVPC(vpc.ID)
}
