package flightdelay

import (
	"aval/domain"
)

// BulkBind is the body of bulkBind: 1 to domain.MaxBulk policies of one product.
type BulkBind struct {
	// Premium is what the buyer expects each policy to cost.
	Premium domain.Money `json:"premium"`
	Items   []Cover      `json:"items"`
}

// Cover is one policy of a bulk.
type Cover struct {
	// ID is the policy's.
	ID string `json:"id"`
	// Holder is empty for the sender. Only the product's insurer, who sees its policies anyway,
	// names others: to anybody else a refusal would tell what they hold.
	Holder domain.PartyID `json:"holder,omitempty"`
	Leg    Leg            `json:"leg"`
}

// bulkBind makes many policies, all or none: each as if it were bound alone, after those before it.
func (t *turn) bulkBind() error {
	var body BulkBind
	if err := t.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if err := domain.CheckBulk(len(body.Items)); err != nil {
		return err
	}
	p, err := t.onSale(t.id(), body.Premium)
	if err != nil {
		return err
	}
	b := bulk{turn: t, product: &p, sales: map[string]*sale{}, ids: make(map[string]bool, len(body.Items))}
	for i, item := range body.Items {
		if err := b.sell(item); err != nil {
			return domain.AtItem(i, err)
		}
	}
	t.putProduct(t.id(), p)
	for _, s := range b.order {
		if err := s.record(t); err != nil {
			return err
		}
	}
	return nil
}

// bulk is what the items of one command share.
type bulk struct {
	*turn
	product *product
	// sales has one for each leg, order the same as they came.
	sales map[string]*sale
	order []*sale
	ids   map[string]bool
}

func (b *bulk) sell(item Cover) error {
	if err := b.checkItem(&item); err != nil {
		return err
	}
	s, err := b.sale(item.Leg)
	if err != nil {
		return err
	}
	return s.sell(b.turn, item.ID, item.Holder, 0)
}

// checkItem checks a new policy's ID and its holder, whom it fills in.
func (b *bulk) checkItem(item *Cover) error {
	if err := domain.CheckID("policy", item.ID); err != nil {
		return err
	}
	if b.ids[item.ID] || b.exists("policy/"+item.ID) {
		return domain.Refuse(domain.AlreadyExists, "policy %s: the ID was used before", item.ID)
	}
	b.ids[item.ID] = true
	if item.Holder == "" || item.Holder == b.in.Sender {
		item.Holder = b.in.Sender
		return nil
	}
	if b.in.Sender != b.product.Insurer {
		return domain.Refuse(domain.NotPermitted, "holder: only the insurer of the product binds for others")
	}
	if err := item.Holder.Check(); err != nil {
		return err
	}
	if _, known := b.in.Registry.Party(item.Holder); !known {
		return domain.Refuse(domain.NotFound, "holder: party %s is not registered", item.Holder)
	}
	return nil
}

// sale gives the leg's sale as the items before have left it.
func (b *bulk) sale(stated Leg) (*sale, error) {
	leg, err := stated.normal()
	if err != nil {
		return nil, err
	}
	key := leg.Key()
	if s, open := b.sales[key]; open {
		s.leg = leg
		return s, nil
	}
	s, err := b.openLeg(b.id(), b.product, leg, key)
	if err != nil {
		return nil, err
	}
	b.sales[key] = s
	b.order = append(b.order, s)
	return s, nil
}
