package conformance

import (
	"slices"
	"testing"

	"github.com/vultr/govultr/v3"
)

// unknown is an id of the right form that no object has.
const unknown = "00000000-0000-4000-8000-000000000000"

func (a *account) newVPC(subnet string, mask int) *govultr.VPC {
	a.t.Helper()
	vpc, _, err := a.VPC.Create(a.ctx, &govultr.VPCReq{Region: region, Description: a.label(), V4Subnet: subnet, V4SubnetMask: mask})
	a.must(err)
	a.answered(201)
	a.wire.whole("vpc", govultr.VPC{})
	return vpc
}

// removeVPC deletes a network once nothing holds it any more.
func (a *account) removeVPC(id string) {
	a.t.Helper()
	a.until("free VPC "+id, func() bool { return a.VPC.Delete(a.ctx, id) == nil })
	a.answered(204)
	_, _, err := a.VPC.Get(a.ctx, id)
	a.refused(err, 404, "Invalid VPC ID")
}

func TestVPC(t *testing.T) {
	a := open(t)
	vpc := a.newVPC("10.77.0.0", 20)
	if vpc.V4Subnet != "10.77.0.0" || vpc.V4SubnetMask != 20 || vpc.Region != region {
		t.Errorf("VPC: %+v", vpc)
	}

	renamed := a.label()
	a.must(a.VPC.Update(a.ctx, vpc.ID, renamed))
	a.answered(204)
	got, _, err := a.VPC.Get(a.ctx, vpc.ID)
	a.must(err)
	if vpc.Description = renamed; *got != *vpc {
		t.Errorf("VPC is %+v instead of %+v", got, vpc)
	}

	all, meta, _, err := a.VPC.List(a.ctx, &govultr.ListOptions{PerPage: 500})
	a.must(err)
	a.wire.whole("vpcs", govultr.VPC{})
	if !slices.Contains(all, *vpc) || meta.Total != len(all) {
		t.Errorf("the list of %d does not hold %+v: %+v", meta.Total, vpc, all)
	}

	attachments, meta, _, err := a.VPC.ListAttachments(a.ctx, vpc.ID, nil)
	a.must(err)
	if len(attachments) != 0 || meta.Links == nil {
		t.Errorf("attachments of a free VPC: %+v, %+v", attachments, meta)
	}
	a.removeVPC(vpc.ID)
}

func TestVPCWithoutSubnet(t *testing.T) {
	a := open(t)
	vpc := a.newVPC("", 0)
	if vpc.V4Subnet == "" || vpc.V4SubnetMask == 0 {
		t.Errorf("Vultr chooses a subnet, this account chose %+v", vpc)
	}
	a.removeVPC(vpc.ID)
}

func TestVPCRefusals(t *testing.T) {
	a := open(t)
	_, _, err := a.VPC.Get(a.ctx, unknown)
	a.refused(err, 404, "Invalid VPC ID")
	a.refused(a.VPC.Delete(a.ctx, unknown), 404, "Invalid VPC ID")
	a.refused(a.VPC.Update(a.ctx, unknown, "x"), 404, "Invalid VPC ID")
	_, _, _, err = a.VPC.ListAttachments(a.ctx, unknown, nil)
	a.refused(err, 404, "Invalid VPC ID")
	_, _, err = a.VPC.Create(a.ctx, &govultr.VPCReq{Region: "nowhere"})
	a.refusedWith(err, 400, "egion")
	_, _, err = a.VPC.Create(a.ctx, &govultr.VPCReq{Region: region, V4Subnet: "8.8.8.0", V4SubnetMask: 24})
	a.refusedWith(err, 400, "")
}

func TestVPCInUse(t *testing.T) {
	a := open(t)
	vpc := a.newVPC("10.78.0.0", 24)
	instance := a.newInstance(&govultr.InstanceCreateReq{AttachVPC: []string{vpc.ID}})
	a.refusedWith(a.VPC.Delete(a.ctx, vpc.ID), 400, "attached to this VPC network")

	attachments, _, _, err := a.VPC.ListAttachments(a.ctx, vpc.ID, nil)
	a.must(err)
	a.wire.whole("attachments", govultr.VPCAttachment{})
	if len(attachments) != 1 || attachments[0].LinkedSubscription.ID != instance.ID {
		t.Errorf("attachments: %+v", attachments)
	}
	a.removeInstance(instance.ID)
	a.removeVPC(vpc.ID)
}
