package ubl

// Party is a company as a document names it. Nothing in it was checked against anything.
type Party struct {
	Name     string       `json:"name,omitempty"`
	Endpoint Identifier   `json:"endpoint,omitzero"`
	IDs      []Identifier `json:"ids,omitempty"`
	// LegalID is the number in a register of companies, BT-30 of a seller.
	LegalID Identifier `json:"legalId,omitzero"`
	VATID   string     `json:"vatId,omitempty"`
	Country string     `json:"country,omitempty"`
}

type party struct {
	EndpointID          *identifier `xml:"EndpointID"`
	PartyIdentification []struct {
		ID *identifier `xml:"ID"`
	} `xml:"PartyIdentification"`
	PartyName []struct {
		Name text `xml:"Name"`
	} `xml:"PartyName"`
	PostalAddress struct {
		Country struct {
			Code text `xml:"IdentificationCode"`
		} `xml:"Country"`
	} `xml:"PostalAddress"`
	PartyTaxScheme []struct {
		CompanyID text `xml:"CompanyID"`
		TaxScheme struct {
			ID text `xml:"ID"`
		} `xml:"TaxScheme"`
	} `xml:"PartyTaxScheme"`
	PartyLegalEntity []struct {
		RegistrationName text        `xml:"RegistrationName"`
		CompanyID        *identifier `xml:"CompanyID"`
	} `xml:"PartyLegalEntity"`
}

// holder is an element around a party, as AccountingSupplierParty.
type holder struct {
	Party *party `xml:"Party"`
}

func (h *holder) plain() Party {
	if h == nil {
		return Party{}
	}
	return h.Party.plain()
}

// plain prefers the registered name to the trading name.
func (p *party) plain() Party {
	if p == nil {
		return Party{}
	}
	all := Party{Endpoint: p.EndpointID.plain(), Country: string(p.PostalAddress.Country.Code)}
	for _, name := range p.PartyName {
		all.Name = string(name.Name)
	}
	for _, id := range p.PartyIdentification {
		all.IDs = append(all.IDs, id.ID.plain())
	}
	for _, entity := range p.PartyLegalEntity {
		if entity.RegistrationName != "" {
			all.Name = string(entity.RegistrationName)
		}
		all.LegalID = entity.CompanyID.plain()
	}
	for _, tax := range p.PartyTaxScheme {
		if tax.TaxScheme.ID == "VAT" {
			all.VATID = string(tax.CompanyID)
		}
	}
	return all
}

// Reference names another document.
type Reference struct {
	ID string `json:"id"`
	// Date is the day it was issued, as written; empty if the document does not say.
	Date string `json:"date,omitempty"`
	// TypeCode is its kind, of UNTDID 1001.
	TypeCode string `json:"typeCode,omitempty"`
}

type reference struct {
	ID               text `xml:"ID"`
	IssueDate        text `xml:"IssueDate"`
	DocumentTypeCode text `xml:"DocumentTypeCode"`
}

func references(all []reference) []Reference {
	var list []Reference
	for _, r := range all {
		list = append(list, Reference{ID: string(r.ID), Date: string(r.IssueDate), TypeCode: string(r.DocumentTypeCode)})
	}
	return list
}

// Item is what a line is about.
type Item struct {
	Name string `json:"name,omitempty"`
	// SellersID is the seller's own number, BuyersID the buyer's.
	SellersID string `json:"sellersId,omitempty"`
	BuyersID  string `json:"buyersId,omitempty"`
	// Standard is a registered number: scheme 0160 is a GTIN.
	Standard Identifier `json:"standard,omitzero"`
}

type item struct {
	Name    text `xml:"Name"`
	Sellers struct {
		ID text `xml:"ID"`
	} `xml:"SellersItemIdentification"`
	Buyers struct {
		ID text `xml:"ID"`
	} `xml:"BuyersItemIdentification"`
	Standard struct {
		ID *identifier `xml:"ID"`
	} `xml:"StandardItemIdentification"`
	ClassifiedTaxCategory []category `xml:"ClassifiedTaxCategory"`
}

func (i item) plain() Item {
	return Item{Name: string(i.Name), SellersID: string(i.Sellers.ID), BuyersID: string(i.Buyers.ID), Standard: i.Standard.ID.plain()}
}
