package ledger_test

import (
	"context"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// set registers as the harness' governance does.
func (h *hand) set(r ledgertest.Registration) ledger.Item {
	raw := h.w.Command(h.w.Member, domain.GovernanceKind, "registry", "register", r)
	return ledger.Item{Format: ledger.CommandFormat, Raw: raw}
}

// barred sends a message that was admitted while its sender was free and is executed after the change, and one
// that is admitted after it.
func (h *hand) barred(t *testing.T, change, early, late ledger.Item, code domain.Code) {
	t.Helper()
	size := h.Size()
	item, answer := h.pooled(context.Background(), early)
	h.cut(t, 1, change, item)
	_, err := answer()
	wantCode(t, err, code)
	_, err = h.Offer(context.Background(), late.Format, late.Raw)
	wantCode(t, err, code)
	h.cut(t, 1, late) // as a replay has it, which admits nothing
	if h.Size() != size+2 {
		t.Errorf("%d leaves, want the change and a seal", h.Size()-size)
	}
}

// TestErasedSignsNothing: whatever its keys are said to be, an erased party's commands are refused by a code of their
// own, which nobody learns who does not hold such a key. What is open goes on by its deadlines.
func TestErasedSignsNothing(t *testing.T) {
	for name, revoked := range map[string]domain.Millis{"with its keys": 0, "with revoked keys": 1} {
		t.Run(name, func(t *testing.T) {
			h := newHand(t)
			h.cut(t, 1, h.till(h.acme, "x", "hold", ledgertest.Order{Amount: usd(5), At: h.last.Now + 90_000}))
			pay := func() ledger.Item {
				return h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)})
			}
			key := h.acme.Key
			key.Class, key.Holder, key.Revoked = domain.PartyHolder, "acme", revoked
			h.barred(t, h.set(ledgertest.Registration{Party: &domain.Party{ID: "acme", Erased: 1}, Key: &key}), pay(), pay(), domain.Erased)
			forged := pay()
			forged.Raw = append(forged.Raw[:len(forged.Raw)-8:len(forged.Raw)-8], "AAAAAAAA"...)
			_, err := h.Offer(context.Background(), forged.Format, forged.Raw)
			wantCode(t, err, domain.UnknownKey)
			h.cut(t, 100_000)
			h.want(t, "acme", 1000)
		})
	}
}

// TestFrozenIsNotHeard: neither a frozen party's commands count nor what its devices and sources saw. It can be kept
// aside, and counts once the party is free and says it again; deadlines run meanwhile.
func TestFrozenIsNotHeard(t *testing.T) {
	h := newHand(t)
	sensor, source := ledgertest.NewSigner(t), ledgertest.NewSigner(t)
	device, oracle := sensor.Key, source.Key
	device.Class, device.Holder = domain.DeviceHolder, "thermo"
	oracle.Class, oracle.Holder = domain.SourceHolder, "src"
	h.cut(t, 1, h.set(ledgertest.Registration{Device: &domain.Device{ID: "thermo", Operator: "acme"}, Key: &device}),
		h.set(ledgertest.Registration{Source: &domain.Source{ID: "src", Operator: "acme"}, Key: &oracle}),
		h.till(h.bank, "i", "issue", ledgertest.Order{To: "bank", Amount: usd(10)}),
		h.till(h.bank, "s", "hold", ledgertest.Order{Amount: usd(1), At: h.last.Now + 90_000}))
	sequence := uint64(0)
	says := func(s *envelope.Signer) func() ledger.Item {
		return func() ledger.Item {
			sequence++
			return ledger.Item{Format: envelope.ObservationType, Raw: observe(h.w, s, "s", 1, sequence)}
		}
	}
	pay := func() ledger.Item {
		return h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)})
	}
	for name, say := range map[string]func() ledger.Item{"its commands": pay, "its device": says(sensor), "its source": says(source)} {
		frozen, free := h.set(ledgertest.Registration{Party: &domain.Party{ID: "acme", Frozen: 1}}), h.set(ledgertest.Registration{Party: &domain.Party{ID: "acme"}})
		late := say()
		h.barred(t, frozen, say(), late, domain.Frozen)
		if err := h.Quarantine(context.Background(), domain.Frozen, late.Raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		h.cut(t, 1, free)
		size := h.Size()
		item, answer := h.pooled(context.Background(), late)
		h.cut(t, 1, item)
		if reply, err := answer(); err != nil || reply.Code != "" || h.Size() != size+2 {
			t.Errorf("%s, said again: %+v, %v", name, reply, err)
		}
		h.cut(t, 1, frozen, h.till(h.bank, "t", "transfer", ledgertest.Order{To: "acme", Amount: usd(1)}), free)
	}
	h.cut(t, 1, h.set(ledgertest.Registration{Party: &domain.Party{ID: "acme", Frozen: 1}}))
	forged := says(sensor)()
	forged.Raw = append(forged.Raw[:len(forged.Raw)-8:len(forged.Raw)-8], "AAAAAAAA"...)
	_, err := h.Offer(context.Background(), forged.Format, forged.Raw)
	wantCode(t, err, domain.BadSignature)
	h.cut(t, 100_000)
	if v, err := h.Record("bank", "cash:1:hold:s"); err != nil || !v.Final {
		t.Errorf("a contract about what a frozen party sees: %+v, %v", v, err)
	}
}

// A party's own key signs observations of forms that are made for that, and no others.
func TestPartySignsNoSensorsWord(t *testing.T) {
	h := newHand(t)
	_, err := h.Offer(context.Background(), envelope.ObservationType, observe(h.w, h.acme, "s", 1, 1))
	wantCode(t, err, domain.UnknownKey)
}
