package conformance

import (
	"slices"
	"testing"

	"github.com/vultr/govultr/v3"
)

func TestFirewall(t *testing.T) {
	a := open(t)
	group, _, err := a.FirewallGroup.Create(a.ctx, &govultr.FirewallGroupReq{Description: a.label()})
	a.must(err)
	a.answered(201)
	a.wire.whole("firewall_group", govultr.FirewallGroup{})
	if group.MaxRuleCount != 50 || group.RuleCount != 0 {
		t.Errorf("a new group: %+v", group)
	}
	rule, _, err := a.FirewallRule.Create(a.ctx, group.ID, &govultr.FirewallRuleReq{
		IPType: "v4", Protocol: "TCP", Subnet: "10.0.0.0", SubnetSize: 8, Port: "8000:8100", Notes: "inside",
	})
	a.must(err)
	a.answered(201)
	a.wire.whole("firewall_rule", govultr.FirewallRule{})
	if rule.Protocol != "tcp" || rule.Action != "accept" || rule.Port != "8000:8100" {
		t.Errorf("a new rule: %+v", rule)
	}
	rules, meta, _, err := a.FirewallRule.List(a.ctx, group.ID, nil)
	a.must(err)
	if len(rules) != 1 || meta.Total != 1 {
		t.Errorf("rules: %+v", rules)
	}
	_, _, err = a.FirewallRule.Get(a.ctx, group.ID, rule.ID)
	a.must(err)
	a.must(a.FirewallRule.Delete(a.ctx, group.ID, rule.ID))
	a.answered(204)
	_, _, err = a.FirewallRule.Get(a.ctx, group.ID, rule.ID)
	a.refused(err, 404, "Firewall rule ID not found")
	a.must(a.FirewallGroup.Update(a.ctx, group.ID, &govultr.FirewallGroupReq{Description: "renamed"}))
	groups, _, _, err := a.FirewallGroup.List(a.ctx, &govultr.ListOptions{PerPage: 500})
	a.must(err)
	a.wire.whole("firewall_groups", govultr.FirewallGroup{})
	at := slices.IndexFunc(groups, func(one govultr.FirewallGroup) bool { return one.ID == group.ID })
	if at < 0 || groups[at].Description != "renamed" {
		t.Errorf("groups: %+v", groups)
	}
	a.must(a.FirewallGroup.Delete(a.ctx, group.ID))
	a.answered(204)
	_, _, err = a.FirewallGroup.Get(a.ctx, group.ID)
	a.refused(err, 404, "Invalid firewall group ID")
}

func TestSnapshot(t *testing.T) {
	a := open(t)
	host := a.newInstance(&govultr.InstanceCreateReq{})
	made, _, err := a.Snapshot.Create(a.ctx, &govultr.SnapshotReq{InstanceID: host.ID, Description: a.label()})
	a.must(err)
	a.answered(201)
	a.wire.whole("snapshot", govultr.Snapshot{})
	a.until("complete snapshot", func() bool {
		got, _, err := a.Snapshot.Get(a.ctx, made.ID)
		a.must(err)
		return got.Status == "complete" && got.Size > 0
	})
	list, meta, _, err := a.Snapshot.List(a.ctx, &govultr.ListOptions{PerPage: 500})
	a.must(err)
	a.wire.whole("snapshots", govultr.Snapshot{})
	if meta.Total != len(list) {
		t.Errorf("snapshots: %+v", list)
	}
	a.must(a.Snapshot.Delete(a.ctx, made.ID))
	a.answered(204)
	_, _, err = a.Snapshot.Get(a.ctx, made.ID)
	a.refused(err, 404, "Invalid snapshot ID")
	a.until("deleted instance", func() bool { return a.Instance.Delete(a.ctx, host.ID) == nil })
}

func TestReservedIP(t *testing.T) {
	a := open(t)
	made, _, err := a.ReservedIP.Create(a.ctx, &govultr.ReservedIPReq{Region: region, IPType: "v4", Label: a.label()})
	a.must(err)
	a.answered(201)
	a.wire.whole("reserved_ip", govultr.ReservedIP{})
	host := a.newInstance(&govultr.InstanceCreateReq{})
	a.must(a.ReservedIP.Attach(a.ctx, made.ID, host.ID))
	a.answered(204)
	err = a.ReservedIP.Attach(a.ctx, made.ID, host.ID)
	a.refusedWith(err, 400, "Floating IPv4 address is already attached to another server")
	list, meta, _, err := a.ReservedIP.List(a.ctx, &govultr.ListOptions{PerPage: 500})
	a.must(err)
	a.wire.whole("reserved_ips", govultr.ReservedIP{})
	at := slices.IndexFunc(list, func(one govultr.ReservedIP) bool { return one.ID == made.ID })
	if at < 0 || list[at].InstanceID != host.ID || meta.Total != len(list) {
		t.Errorf("addresses: %+v", list)
	}
	a.must(a.ReservedIP.Detach(a.ctx, made.ID))
	a.answered(204)
	a.must(a.ReservedIP.Delete(a.ctx, made.ID))
	a.answered(204)
	_, _, err = a.ReservedIP.Get(a.ctx, made.ID)
	a.refused(err, 404, "Invalid reserved-ip ID")
	a.until("deleted instance", func() bool { return a.Instance.Delete(a.ctx, host.ID) == nil })
}

func TestStartupScript(t *testing.T) {
	a := open(t)
	const script = "IyEvYmluL3NoCg=="
	made, _, err := a.StartupScript.Create(a.ctx, &govultr.StartupScriptReq{Name: a.label(), Script: script})
	a.must(err)
	a.answered(201)
	a.wire.whole("startup_script", govultr.StartupScript{})
	if made.Type != "boot" || made.Script != script {
		t.Errorf("a new script: %+v", made)
	}
	_, _, err = a.StartupScript.Create(a.ctx, &govultr.StartupScriptReq{Name: "plain", Script: "#!/bin/sh"})
	a.refusedWith(err, 400, "Script must be base64 encoded")
	a.must(a.StartupScript.Update(a.ctx, made.ID, &govultr.StartupScriptReq{Name: "renamed"}))
	a.answered(204)
	list, meta, _, err := a.StartupScript.List(a.ctx, &govultr.ListOptions{PerPage: 500})
	a.must(err)
	at := slices.IndexFunc(list, func(one govultr.StartupScript) bool { return one.ID == made.ID })
	if at < 0 || list[at].Name != "renamed" || meta.Total != len(list) {
		t.Errorf("scripts: %+v", list)
	}
	a.must(a.StartupScript.Delete(a.ctx, made.ID))
	a.answered(204)
	_, _, err = a.StartupScript.Get(a.ctx, made.ID)
	a.refused(err, 404, "Invalid startup script ID")
}

func TestNATGateway(t *testing.T) {
	a := open(t)
	vpc := a.newVPC("10.77.0.0", 24)
	made, _, err := a.VPC.CreateNATGateway(a.ctx, vpc.ID, &govultr.NATGatewayReq{Label: a.label(), Tag: "one"})
	a.must(err)
	a.answered(201)
	a.wire.whole("nat_gateway", govultr.NATGateway{})
	if made.VPCID != vpc.ID || made.Status != "pending" || len(made.PublicIPs) != 1 || made.Billing.Monthly != 20 {
		t.Errorf("a new gateway: %+v", made)
	}
	a.until("active gateway", func() bool {
		got, _, err := a.VPC.GetNATGateway(a.ctx, vpc.ID, made.ID)
		a.must(err)
		return got.Status == "active"
	})
	_, _, err = a.VPC.UpdateNATGateway(a.ctx, vpc.ID, made.ID, &govultr.NATGatewayReq{Label: "renamed"})
	a.must(err)
	list, meta, _, err := a.VPC.ListNATGateways(a.ctx, vpc.ID, nil)
	a.must(err)
	a.wire.whole("nat_gateways", govultr.NATGateway{})
	if len(list) != 1 || list[0].Label != "renamed" || list[0].Tag != "one" || meta.Total != 1 {
		t.Errorf("gateways: %+v", list)
	}
	a.refusedWith(a.VPC.Delete(a.ctx, vpc.ID), 400, "attached to this VPC network")
	a.must(a.VPC.DeleteNATGateway(a.ctx, vpc.ID, made.ID))
	a.answered(204)
	_, _, err = a.VPC.GetNATGateway(a.ctx, vpc.ID, made.ID)
	a.refused(err, 404, "Invalid NAT Gateway ID.")
	a.removeVPC(vpc.ID)
}
