package cash

import (
	"slices"

	"aval/domain"
)

// eventName gives the event of each status that a redemption enters.
func eventName(status string) string {
	switch status {
	case Requested:
		return "redemptionRequested"
	case Accepted:
		return "redemptionAccepted"
	case Instructed:
		return "paymentInstructed"
	case Acked:
		return "paymentAcked"
	case Queued:
		return "paymentQueued"
	case Overdue:
		return "redemptionOverdue"
	case Settled:
		return "redemptionSettled"
	case Refused:
		return "redemptionRefused"
	}
	return "redemptionReturned"
}

func (r Redemption) escrow() domain.AccountID {
	return domain.EscrowAccount(domain.CashKind, redemptionKey(r.ID))
}

// record adds the write of the redemption and the event of its new status.
func (r Redemption) record(fx domain.Effects) (domain.Effects, error) {
	return r.say(fx, eventName(r.Status))
}

// say adds the write of the redemption and an event about it.
func (r Redemption) say(fx domain.Effects, event string) (domain.Effects, error) {
	w, err := domain.Put(redemptionKey(r.ID), r, r.Status, r.Bank, r.Holder)
	if err != nil {
		return fx, err
	}
	w.Final, w.HeldFor = r.EndedAt != 0, r.Holder
	e, err := domain.NewEvent(event, redemptionKey(r.ID), r, r.Bank, r.Holder)
	fx.Writes, fx.Events = append(fx.Writes, w), append(fx.Events, e)
	return fx, err
}

// end moves the money out, cancels the deadlines and closes the record.
func (r Redemption) end(now domain.Millis, status string, to domain.AccountID, purpose string) (domain.Effects, error) {
	r.Status, r.EndedAt, r.DueAt = status, now, 0
	return r.record(domain.Effects{
		Postings:  []domain.Posting{{Debit: r.escrow(), Credit: to, Amount: r.Amount, Purpose: purpose}},
		Deadlines: []domain.Deadline{{Contract: r.ID, Name: returnName}, {Contract: r.ID, Name: overdueName}},
	})
}

// answer loads a redemption for its bank. To anybody else but the holder it does not exist.
func answer(v domain.View, in domain.Input, statuses ...string) (Redemption, error) {
	r, found, err := domain.Load[Redemption](v, redemptionKey(in.Command.Contract))
	if err != nil {
		return r, err
	}
	if !found || in.Sender != r.Bank && in.Sender != r.Holder {
		return r, domain.Refuse(domain.NotFound, "no open redemption %.64s", in.Command.Contract)
	}
	if in.Sender != r.Bank {
		return r, domain.Refuse(domain.NotPermitted, "only the bank answers a redemption")
	}
	return r, r.checkStatus(statuses)
}

func load(v domain.View, id string, statuses ...string) (Redemption, error) {
	r, found, err := domain.Load[Redemption](v, redemptionKey(id))
	if err != nil {
		return r, err
	}
	if !found {
		return r, domain.Refuse(domain.NotFound, "no open redemption %.64s", id)
	}
	return r, r.checkStatus(statuses)
}

func (r Redemption) checkStatus(statuses []string) error {
	if !slices.Contains(statuses, r.Status) {
		return domain.Refuse(domain.WrongState, "redemption %s is %s", r.ID, r.Status)
	}
	return nil
}
