package cash

import (
	"slices"

	"aval/domain"
)

// Bulk is the body of bulkIssue and bulkTransfer: one payer, 1 to domain.MaxBulk payments,
// booked all or none. It is the payment information block of ISO 20022 pain.001 with batch
// booking off: every payment has a posting, an event and a reference of its own.
type Bulk struct {
	Items []Payment `json:"items"`
}

// many judges a command with a Bulk in its body: every payment as if it came alone, after
// those before it. A refusal names the item it is about; that the payer's money does not
// suffice is found when all are booked together.
func many(v domain.View, in domain.Input, book func(*order, Payment) error) (domain.Effects, error) {
	var bulk Bulk
	if err := in.Command.DecodeBody(&bulk); err != nil {
		return domain.Effects{}, err
	}
	if err := domain.CheckBulk(len(bulk.Items)); err != nil {
		return domain.Effects{}, err
	}
	o := &order{view: v, in: in, keys: map[domain.Currency]string{}}
	o.fx.Postings = slices.Grow(o.fx.Postings, len(bulk.Items))
	o.fx.Events = slices.Grow(o.fx.Events, len(bulk.Items))
	for i, p := range bulk.Items {
		if err := book(o, p); err != nil {
			return domain.Effects{}, domain.AtItem(i, err)
		}
	}
	return o.fx, nil
}
