package conformance

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/vultr/govultr/v3"
)

func (a *account) newInstance(wanted *govultr.InstanceCreateReq) *govultr.Instance {
	a.t.Helper()
	wanted.Region, wanted.Plan, wanted.OsID = region, small, debian
	if wanted.Label == "" {
		wanted.Label = a.label()
	}
	instance, _, err := a.Instance.Create(a.ctx, wanted)
	a.must(err)
	a.answered(202)
	a.wire.whole("instance", govultr.Instance{})
	return instance
}

// instanceUp waits as the vendor's Terraform provider does, and for the server's own state too.
func (a *account) instanceUp(id string) *govultr.Instance {
	a.t.Helper()
	var instance *govultr.Instance
	a.until("running instance "+id, func() bool {
		var err error
		instance, _, err = a.Instance.Get(a.ctx, id)
		a.must(err)
		return instance.Status == "active" && instance.PowerStatus == "running" && instance.ServerStatus == "ok"
	})
	return instance
}

func (a *account) removeInstance(id string) {
	a.t.Helper()
	a.must(a.Instance.Delete(a.ctx, id))
	a.answered(204)
	a.until("absent instance "+id, func() bool {
		_, _, err := a.Instance.Get(a.ctx, id)
		return err != nil
	})
	_, _, err := a.Instance.Get(a.ctx, id)
	a.refused(err, 404, "instance not found")
}

func TestInstance(t *testing.T) {
	a := open(t)
	data := base64.StdEncoding.EncodeToString([]byte("#cloud-config\nhostname: conformance\n"))
	label, tag := a.label(), a.label()
	made := a.newInstance(&govultr.InstanceCreateReq{Label: label, Tags: []string{tag, "other"}, UserData: data, Hostname: "conformance"})
	if made.DefaultPassword == "" || made.Status != "pending" || made.MainIP != "0.0.0.0" {
		t.Errorf("a new instance: %+v", made)
	}
	up := a.instanceUp(made.ID)
	a.wire.whole("instance", govultr.Instance{})
	if up.MainIP == "0.0.0.0" || up.KVM == "" || up.OsID != debian || up.Hostname != "conformance" || up.RAM != 2048 {
		t.Errorf("a running instance: %+v", up)
	}

	got, _, err := a.Instance.GetUserData(a.ctx, made.ID)
	a.must(err)
	if got.Data != data {
		t.Errorf("user data is %q instead of %q", got.Data, data)
	}
	schedule, _, err := a.Instance.GetBackupSchedule(a.ctx, made.ID)
	a.must(err)
	if schedule == nil || schedule.Enabled == nil {
		t.Errorf("the vendor's provider panics on a schedule without `enabled`: %s", a.wire.last().body)
	}
	a.emptyNetworkLists(made.ID)

	for _, filter := range []govultr.ListOptions{{Label: label}, {Tag: tag}, {MainIP: up.MainIP}} {
		found, meta, _, err := a.Instance.List(a.ctx, &filter)
		a.must(err)
		a.wire.whole("instances", govultr.Instance{})
		if len(found) != 1 || found[0].ID != made.ID || meta.Total != 1 {
			t.Errorf("%+v finds %d of %d", filter, len(found), meta.Total)
		}
	}
	none, _, _, err := a.Instance.List(a.ctx, &govultr.ListOptions{Label: strings.TrimSuffix(label, label[len(label)-1:])})
	a.must(err)
	if len(none) != 0 {
		t.Errorf("a part of a label finds %+v", none)
	}
	a.removeInstance(made.ID)
}

func TestInstanceChanges(t *testing.T) {
	a := open(t)
	made := a.newInstance(&govultr.InstanceCreateReq{Tags: []string{"one"}})
	a.instanceUp(made.ID)

	renamed := a.label()
	changed, _, err := a.Instance.Update(a.ctx, made.ID, &govultr.InstanceUpdateReq{Label: renamed, Tags: []string{"two", "three"}})
	a.must(err)
	a.answered(202)
	a.wire.whole("instance", govultr.Instance{})
	if changed.Label != renamed || !slices.Equal(changed.Tags, []string{"two", "three"}) {
		t.Errorf("changed: %+v", changed)
	}

	vpc := a.newVPC("10.79.0.0", 24)
	a.must(a.Instance.AttachVPC(a.ctx, made.ID, vpc.ID))
	a.answered(204)
	inside, meta, _, err := a.Instance.ListVPCInfo(a.ctx, made.ID, nil)
	a.must(err)
	a.wire.whole("vpcs", govultr.VPCInfo{})
	if len(inside) != 1 || inside[0].ID != vpc.ID || meta.Links == nil {
		t.Errorf("networks: %+v, %+v", inside, meta)
	}
	up, _, err := a.Instance.Get(a.ctx, made.ID)
	a.must(err)
	if !strings.HasPrefix(up.InternalIP, "10.79.0.") || up.InternalIP != inside[0].IPAddress {
		t.Errorf("internal address %q, network says %q", up.InternalIP, inside[0].IPAddress)
	}
	a.must(a.Instance.DetachVPC(a.ctx, made.ID, vpc.ID))
	a.answered(204)
	a.removeVPC(vpc.ID)
	a.removeInstance(made.ID)
}

func TestInstancePower(t *testing.T) {
	a := open(t)
	made := a.newInstance(&govultr.InstanceCreateReq{})
	a.instanceUp(made.ID)
	power := func(wanted string) {
		t.Helper()
		a.answered(204)
		a.until(wanted+" instance", func() bool {
			instance, _, err := a.Instance.Get(a.ctx, made.ID)
			a.must(err)
			return instance.PowerStatus == wanted
		})
	}
	a.must(a.Instance.Halt(a.ctx, made.ID))
	power("stopped")
	a.must(a.Instance.Start(a.ctx, made.ID))
	power("running")
	a.must(a.Instance.Reboot(a.ctx, made.ID))
	power("running")
	a.must(a.Instance.MassHalt(a.ctx, []string{made.ID}))
	power("stopped")
	a.must(a.Instance.MassStart(a.ctx, []string{made.ID}))
	power("running")
	a.must(a.Instance.MassReboot(a.ctx, []string{made.ID}))
	power("running")
	a.removeInstance(made.ID)
}

func TestInstanceRefusals(t *testing.T) {
	a := open(t)
	_, _, err := a.Instance.Get(a.ctx, unknown)
	a.refused(err, 404, "instance not found")
	a.refused(a.Instance.Delete(a.ctx, unknown), 404, "instance not found")
	a.refused(a.Instance.Reboot(a.ctx, unknown), 404, "instance not found")
	_, _, err = a.Instance.Create(a.ctx, &govultr.InstanceCreateReq{Region: "nowhere", Plan: small, OsID: debian})
	a.refusedWith(err, 400, "egion")
	_, _, err = a.Instance.Create(a.ctx, &govultr.InstanceCreateReq{Region: region, Plan: "no-such-plan", OsID: debian})
	a.refusedWith(err, 400, "lan")
	_, _, err = a.Instance.Create(a.ctx, &govultr.InstanceCreateReq{Region: region, Plan: small, OsID: debian, SSHKeys: []string{unknown}})
	a.refusedWith(err, 400, "ssh key")
	_, _, err = a.Instance.Create(a.ctx, &govultr.InstanceCreateReq{Region: region, Plan: small, OsID: debian, UserData: "not base64!"})
	a.refusedWith(err, 400, "base64")
	_, _, err = a.Instance.Create(a.ctx, &govultr.InstanceCreateReq{Region: region, Plan: "vx1-m-4c-32g", OsID: debian})
	a.refused(err, 400, "One or more block devices are required.")
}

func TestInstanceAddresses(t *testing.T) {
	a := open(t)
	made := a.newInstance(&govultr.InstanceCreateReq{})
	up := a.instanceUp(made.ID)
	addresses, meta, _, err := a.Instance.ListIPv4(a.ctx, made.ID, nil)
	a.must(err)
	a.wire.whole("ipv4s", govultr.IPv4{})
	if len(addresses) == 0 || addresses[0].IP != up.MainIP || meta.Links == nil {
		t.Errorf("addresses: %+v, %+v", addresses, meta)
	}
	_, meta, _, err = a.Instance.ListIPv6(a.ctx, made.ID, nil)
	a.must(err)
	if meta == nil || meta.Links == nil {
		t.Errorf("IPv6 addresses without meta: %s", a.wire.last().body)
	}
	a.removeInstance(made.ID)
}

func TestInstanceReinstall(t *testing.T) {
	a := open(t)
	made := a.newInstance(&govultr.InstanceCreateReq{})
	a.instanceUp(made.ID)
	again, _, err := a.Instance.Reinstall(a.ctx, made.ID, &govultr.ReinstallReq{Hostname: "again"})
	a.must(err)
	a.answered(202)
	if again.Hostname != "again" || again.ID != made.ID {
		t.Errorf("reinstalled: %+v", again)
	}
	a.instanceUp(made.ID)
	a.removeInstance(made.ID)
}

// TestLockedInstance: a server is locked for a while after a volume was attached, and its deletion is answered with 500.
func TestLockedInstance(t *testing.T) {
	a := open(t)
	made := a.newInstance(&govultr.InstanceCreateReq{})
	a.instanceUp(made.ID)
	block := a.newBlock()
	a.frozen(func() {
		a.must(a.BlockStorage.Attach(a.ctx, block.ID, &govultr.BlockStorageAttach{InstanceID: made.ID, Live: govultr.BoolToBoolPtr(true)}))
		locked, _, err := a.Instance.Get(a.ctx, made.ID)
		a.must(err)
		if locked.ServerStatus != "locked" {
			t.Errorf("an instance is %q right after a volume was attached", locked.ServerStatus)
		}
		if err := a.Instance.Delete(a.ctx, made.ID); err == nil {
			t.Error("a locked instance was deleted")
		}
		last := a.wire.last()
		if text := last.refusal(t); last.status != 500 || !strings.Contains(text, "Server is currently locked") {
			t.Errorf("a locked instance: %d %q", last.status, text)
		}
	})
	a.until("unlocked instance", func() bool { return a.Instance.Delete(a.ctx, made.ID) == nil })
	free, _, err := a.BlockStorage.Get(a.ctx, block.ID)
	a.must(err)
	if free.AttachedToInstance != "" {
		t.Errorf("a volume of a deleted instance: %+v", free)
	}
	a.must(a.BlockStorage.Delete(a.ctx, block.ID))
}
