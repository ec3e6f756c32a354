package conformance

import (
	"slices"
	"strings"
	"testing"

	"github.com/vultr/govultr/v3"
)

func (a *account) newBlock() *govultr.BlockStorage {
	a.t.Helper()
	block, _, err := a.BlockStorage.Create(a.ctx, &govultr.BlockStorageCreate{Region: region, SizeGB: 10, Label: a.label(), BlockType: "high_perf"})
	a.must(err)
	a.answered(202)
	a.wire.whole("block", govultr.BlockStorage{})
	a.until("active volume", func() bool {
		got, _, err := a.BlockStorage.Get(a.ctx, block.ID)
		a.must(err)
		return got.Status == "active"
	})
	return block
}

func TestBlockStorage(t *testing.T) {
	a := open(t)
	made := a.newBlock()
	if made.Status != "pending" || made.Cost != 1 || made.AttachedToInstance != "" || made.MountID == "" {
		t.Errorf("a new volume: %+v", made)
	}
	a.must(a.BlockStorage.Update(a.ctx, made.ID, &govultr.BlockStorageUpdate{SizeGB: 20, Label: "grown"}))
	a.answered(204)
	err := a.BlockStorage.Update(a.ctx, made.ID, &govultr.BlockStorageUpdate{SizeGB: 10})
	a.refusedWith(err, 400, "")
	all, meta, _, err := a.BlockStorage.List(a.ctx, &govultr.ListOptions{PerPage: 500})
	a.must(err)
	a.wire.whole("blocks", govultr.BlockStorage{})
	at := slices.IndexFunc(all, func(one govultr.BlockStorage) bool { return one.ID == made.ID })
	if at < 0 || all[at].SizeGB != 20 || all[at].Label != "grown" || meta.Total != len(all) {
		t.Errorf("volumes: %+v", all)
	}
	a.must(a.BlockStorage.Delete(a.ctx, made.ID))
	a.answered(204)
	_, _, err = a.BlockStorage.Get(a.ctx, made.ID)
	a.refused(err, 404, "Invalid block storage ID")
}

func TestBlockStorageAttachment(t *testing.T) {
	a := open(t)
	one := a.newInstance(&govultr.InstanceCreateReq{})
	two := a.newInstance(&govultr.InstanceCreateReq{})
	a.instanceUp(one.ID)
	a.instanceUp(two.ID)
	block := a.newBlock()
	live := govultr.BoolToBoolPtr(true)
	a.must(a.BlockStorage.Attach(a.ctx, block.ID, &govultr.BlockStorageAttach{InstanceID: one.ID, Live: live}))
	a.answered(204)
	got, _, err := a.BlockStorage.Get(a.ctx, block.ID)
	a.must(err)
	if got.AttachedToInstance != one.ID || got.AttachedToInstanceLabel != one.Label {
		t.Errorf("an attached volume: %+v", got)
	}
	err = a.BlockStorage.Attach(a.ctx, block.ID, &govultr.BlockStorageAttach{InstanceID: two.ID, Live: live})
	a.refusedWith(err, 400, "Block storage is already attached to another server")
	a.until("free instance", func() bool {
		return a.BlockStorage.Detach(a.ctx, block.ID, &govultr.BlockStorageDetach{Live: live}) == nil
	})
	a.answered(204)
	err = a.BlockStorage.Detach(a.ctx, block.ID, &govultr.BlockStorageDetach{Live: live})
	a.refusedWith(err, 400, "Block storage volume is not currently attached to a server")
	a.must(a.BlockStorage.Delete(a.ctx, block.ID))
	for _, id := range []string{one.ID, two.ID} {
		a.until("unlocked instance", func() bool { return a.Instance.Delete(a.ctx, id) == nil })
	}
}

func TestBlockStorageRefusals(t *testing.T) {
	a := open(t)
	_, _, err := a.BlockStorage.Get(a.ctx, unknown)
	a.refused(err, 404, "Invalid block storage ID")
	a.refused(a.BlockStorage.Delete(a.ctx, unknown), 404, "Invalid block storage ID")
	_, _, err = a.BlockStorage.Create(a.ctx, &govultr.BlockStorageCreate{Region: "nowhere", SizeGB: 10})
	a.refusedWith(err, 400, "egion")
	_, _, err = a.BlockStorage.Create(a.ctx, &govultr.BlockStorageCreate{Region: region, SizeGB: 0})
	a.refusedWith(err, 400, "")
}

func TestSSHKey(t *testing.T) {
	a := open(t)
	const public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4nQ9wQeDk0e4d0mC1v1v3f5QmRr9n1s2t3u4v5w6x7 conformance"
	wanted := govultr.SSHKeyReq{Name: a.label(), SSHKey: public}
	made, _, err := a.SSHKey.Create(a.ctx, &wanted)
	a.must(err)
	a.answered(201)
	a.wire.whole("ssh_key", govultr.SSHKey{})
	all, meta, _, err := a.SSHKey.List(a.ctx, &govultr.ListOptions{PerPage: 500})
	a.must(err)
	a.wire.whole("ssh_keys", govultr.SSHKey{})
	if !slices.Contains(all, *made) || meta.Total != len(all) {
		t.Errorf("keys: %+v", all)
	}
	a.must(a.SSHKey.Update(a.ctx, made.ID, &govultr.SSHKeyReq{Name: "renamed", SSHKey: public}))
	a.answered(204)
	got, _, err := a.SSHKey.Get(a.ctx, made.ID)
	a.must(err)
	if got.Name != "renamed" || got.SSHKey != public {
		t.Errorf("a renamed key: %+v", got)
	}
	a.must(a.SSHKey.Delete(a.ctx, made.ID))
	a.answered(204)
	_, _, err = a.SSHKey.Get(a.ctx, made.ID)
	a.refused(err, 404, "Invalid ssh key")
}

// TestSSHKeyName: names are cut in silence.
func TestSSHKeyName(t *testing.T) {
	a := open(t)
	name := a.label() + strings.Repeat("x", 200)
	made, _, err := a.SSHKey.Create(a.ctx, &govultr.SSHKeyReq{Name: name, SSHKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4nQ9wQeDk0e4d0mC1v1v3f5QmRr9n1s2t3u4v5w6x7"})
	a.must(err)
	if made.Name != name[:128] {
		t.Errorf("the name is %q", made.Name)
	}
	a.must(a.SSHKey.Delete(a.ctx, made.ID))
}
