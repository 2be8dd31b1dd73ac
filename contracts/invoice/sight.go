package invoice

import (
	"aval/contracts/invoice/fingerprint"
	"aval/domain"
)

// showFinance gives a viewer its own fields of a record of a financing; known is false for other classes.
func showFinance(class string, body []byte, viewer domain.PartyID) (shown any, known bool, err error) {
	switch class {
	case "credit":
		shown, err = decode[Credit](body)
	case "debt":
		shown, err = decode[Debt](body)
	case "guarantee":
		shown, err = decode[Guarantee](body)
	case "offer":
		shown, err = decode[Offer](body)
	case "similar":
		shown, err = decode[Similar](body)
	case "programme":
		var p Programme
		p, err = decode[Programme](body)
		shown = p.sight(viewer)
	case "receivable":
		var r Receivable
		r, err = decode[Receivable](body)
		shown = r.sight(viewer)
	case "fingerprint":
		var m Mark
		m, err = decode[Mark](body)
		if viewer != "" { // also the supplier knows it by its invoice
			m.Invoice = ""
		}
		shown = m
	case "request":
		var a Asked
		a, err = decode[Asked](body)
		shown = a.sight(viewer)
	default:
		return nil, false, nil
	}
	return shown, true, err
}

// Claim is a receivable as the financier sees it that reserved or financed it: what is due and
// when, and not what was sold.
type Claim struct {
	Invoice     string         `json:"invoice"`
	Status      string         `json:"status"`
	Controller  domain.PartyID `json:"controller"`
	Supplier    domain.PartyID `json:"supplier"`
	Buyer       domain.PartyID `json:"buyer"`
	Fingerprint string         `json:"fingerprint,omitempty"`
	Due         domain.Money   `json:"due"`
	ApprovedOn  domain.Date    `json:"approvedOn,omitempty"`
	DueOn       domain.Date    `json:"dueOn,omitempty"`
	// Registry is who says whether it is financed elsewhere; Cleared that it is not, Elsewhere that it is.
	Registry  domain.PartyID `json:"registry,omitempty"`
	Cleared   bool           `json:"cleared"`
	Elsewhere bool           `json:"elsewhere,omitempty"`
	Similar   bool           `json:"similar,omitempty"`
	Deal      *Deal          `json:"deal,omitempty"`
}

// Assignment is a receivable as its buyer sees it, once it was told: whom to pay.
type Assignment struct {
	Invoice    string         `json:"invoice"`
	Controller domain.PartyID `json:"controller"`
	NoticeAt   domain.Millis  `json:"noticeAt"`
}

// sight hides the seed from everybody: whoever made it has it.
func (r Receivable) sight(viewer domain.PartyID) any {
	r.Seed = nil
	switch {
	case viewer == "" || viewer == r.Supplier:
		return r
	case r.Deal != nil && viewer == r.Deal.Financier:
		return Claim{
			Invoice: r.Invoice, Status: r.Status, Controller: r.Controller, Supplier: r.Supplier, Buyer: r.Buyer, Fingerprint: r.Fingerprint,
			Due: r.money(r.Due), ApprovedOn: r.ApprovedOn, DueOn: r.DueOn,
			Registry: r.Registry, Cleared: r.Cleared, Elsewhere: r.Elsewhere, Similar: r.Similar, Deal: r.Deal,
		}
	case r.Deal != nil && viewer == r.Buyer:
		return Assignment{Invoice: r.Invoice, Controller: r.Controller, NoticeAt: r.Deal.NoticeAt}
	}
	return struct{}{}
}

// sight shows a supplier the standing price and its own line.
func (p Programme) sight(viewer domain.PartyID) any {
	if viewer == "" || viewer == p.Financier {
		return p
	}
	own := Programme{ID: p.ID, Financier: p.Financier, Currency: p.Currency, Standing: p.Standing, Status: p.Status}
	for _, line := range p.Suppliers {
		if line.Party == viewer {
			own.Suppliers = []Line{line}
		}
	}
	return own
}

// Blinded is what a registry sees of a request.
type Blinded struct {
	Request fingerprint.Request `json:"request"`
}

func (a Asked) sight(viewer domain.PartyID) any {
	if viewer == a.Registry {
		return Blinded{a.Request}
	}
	return a
}
