package contracttest

import (
	"testing"

	"aval/domain"
)

func TestObservationsReachOpenWatchesOnce(t *testing.T) {
	b := New(t, pot{})
	b.Register("acme")
	b.RegisterDevice("probe", "acme")
	b.RegisterSource("feed", "acme", "airline")
	o := domain.Observation{Kind: "pot/1", Subject: "P", Holder: "feed", Epoch: 1, Sequence: 1, Flight: &domain.FlightStatus{}}
	early := o
	early.Sequence = 9
	if err := b.Observe(1, early); code(err) != domain.NoWatch {
		t.Fatalf("before the watch: %v", err)
	}
	b.Fund("acme", domain.Money{Minor: 5, Currency: "EUR"})
	if err := b.Send(10, "acme", "pot/1", "P", "put", domain.Money{Minor: 5, Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	other := o
	other.Flight = &domain.FlightStatus{Phase: domain.FlightLanded}
	for _, each := range []domain.Observation{o, o, other} {
		if err := b.Observe(20, each); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, e := range b.Events()[1:] {
		names = append(names, e.Name)
	}
	if len(names) != 2 || names[0] != "observe airline" || names[1] != "Equivocate airline" {
		t.Fatalf("events %q", names)
	}
	o.Sequence = 2
	if err := b.Observe(61, o); code(err) != domain.NoWatch || len(b.Watches()) != 0 {
		t.Fatalf("after the watch: %v", err)
	}
	for name, bad := range map[string]domain.Observation{
		"stranger": {Kind: "pot/1", Subject: "P", Holder: "x", Epoch: 1, Sequence: 1, Flight: o.Flight},
		"no fact":  {Kind: "pot/1", Subject: "P", Holder: "probe", Epoch: 1, Sequence: 1},
		"epoch 0":  {Kind: "pot/1", Subject: "P", Holder: "probe", Sequence: 1, Flight: o.Flight},
	} {
		if err := b.Observe(70, bad); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
}

func TestSendRefusesWhatTheEngineRefuses(t *testing.T) {
	b := New(t, pot{})
	b.Register("acme")
	for _, c := range []struct {
		sender         domain.PartyID
		kind           domain.Kind
		contract, name string
		code           domain.Code
	}{
		{"nobody", "pot/1", "P", "put", domain.UnknownKey}, {"acme", "pot/2", "P", "put", domain.UnknownKind},
		{"acme", "pot/1", "a/b", "put", domain.Malformed}, {"acme", "pot/1", "P", "", domain.Malformed},
		{"acme", "pot/1", "P", "Empty", domain.NotPermitted}, {"", "pot/1", "P", "put", domain.NotPermitted},
		{"acme", "pot/1", "P", "take", domain.UnknownCommand},
	} {
		if err := b.Send(1, c.sender, c.kind, c.contract, c.name, nil); code(err) != c.code {
			t.Errorf("%+v: got %v", c, err)
		}
	}
	if err := b.Send(1, "acme", "pot/1", "P", "put", make([]byte, domain.MaxCommandBytes)); code(err) != domain.TooLarge {
		t.Errorf("large body: %v", err)
	}
}
