package contracttest

import (
	"aval/domain"
	"aval/domain/canon"
)

// Register makes a party known, or gives it other roles.
func (b *Bench) Register(party domain.PartyID, roles ...domain.Role) {
	b.t.Helper()
	if err := party.Check(); err != nil {
		b.t.Fatalf("%v", err)
	}
	b.parties[party] = domain.Party{ID: party, Roles: roles}
}

// Freeze makes a party frozen, as of that time.
func (b *Bench) Freeze(party domain.PartyID, at domain.Millis) {
	p := b.parties[party]
	p.Frozen = at
	b.parties[party] = p
}

// RegisterKey makes a key known, under which "acme+spare" of Send signs. One that is not made known
// is as old as the ledger.
func (b *Bench) RegisterKey(sender domain.PartyID, since domain.Millis) {
	party, _, _ := cutKey(sender)
	b.keys[string(sender)] = domain.Key{ID: string(sender), Class: domain.PartyHolder, Holder: string(party), Since: since}
}

// SetLimits sets what governance limits.
func (b *Bench) SetLimits(l domain.Limits) { b.governed = l }

// RegisterDevice makes a device known.
func (b *Bench) RegisterDevice(id string, operator domain.PartyID) {
	b.devices[id] = domain.Device{ID: id, Operator: operator, Gateway: "gateway"}
}

// RegisterSource makes an oracle source known.
func (b *Bench) RegisterSource(id string, operator domain.PartyID, family string) {
	b.sources[id] = domain.Source{ID: id, Operator: operator, Family: family}
}

// Party looks in the records of the governance kind, as the engine does, then among the registered.
func (b *Bench) Party(id domain.PartyID) (domain.Party, bool) {
	return lookup(b, "party/"+string(id), b.parties, id)
}

// Key looks in the records of the governance kind, then among the registered.
func (b *Bench) Key(id string) (domain.Key, bool) { return lookup(b, "key/"+id, b.keys, id) }

// Device looks in the records of the governance kind, then among the registered.
func (b *Bench) Device(id string) (domain.Device, bool) {
	return lookup(b, "device/"+id, b.devices, id)
}

// Source looks in the records of the governance kind, then among the registered.
func (b *Bench) Source(id string) (domain.Source, bool) {
	return lookup(b, "source/"+id, b.sources, id)
}

// Approved looks in the records of the governance kind.
func (b *Bench) Approved(kind domain.Kind, contract string, offered domain.Millis) bool {
	constitution, _ := lookup(b, "constitution/current", map[string]domain.Constitution{}, "")
	approval, _ := lookup(b, "approval/"+string(kind)+"/"+contract, map[string]domain.Approval{}, "")
	return constitution.AllowsSale(approval, offered)
}

func lookup[K comparable, V any](b *Bench, key string, registered map[K]V, id K) (V, bool) {
	if r, found := b.records[recordKey{domain.GovernanceKind, key}]; found && !r.final {
		var v V
		b.decode(r.body, &v)
		return v, true
	}
	v, found := registered[id]
	return v, found
}

func (b *Bench) decode(body []byte, into any) {
	b.t.Helper()
	if err := canon.Unmarshal(body, into); err != nil {
		b.t.Fatalf("decode %T: %v", into, err)
	}
}
