package apitest

import (
	"context"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// privateValue is one value, and who named it for whom.
type privateValue struct {
	view   ledger.PrivateView
	item   domain.Private
	sender domain.PartyID
}

// keep remembers the private values of a command that was accepted.
func (l *Ledger) keep(index uint64, sender domain.PartyID, items []domain.Private, disclosures [][]byte) {
	if l.entries[index].view.Code != "" {
		return
	}
	for i, d := range disclosures {
		open, _ := envelope.OpenPrivate(d) // CheckDisclosures has opened it
		l.private = append(l.private, privateValue{item: items[i], sender: sender, view: ledger.PrivateView{
			Index: index, Subject: items[i].Subject, Digest: items[i].Digest, Name: open.Name, Value: open.Value, Disclosure: string(d),
		}})
	}
}

// Private gives a value to those who may read it.
func (l *Ledger) Private(viewer domain.PartyID, digest string) (ledger.PrivateView, error) {
	if err := l.fault(context.Background(), "Private"); err != nil {
		return ledger.PrivateView{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.private {
		if v.item.Digest == digest && v.item.ReadBy(viewer, v.sender) {
			return v.view, nil
		}
	}
	return ledger.PrivateView{}, notFound()
}
