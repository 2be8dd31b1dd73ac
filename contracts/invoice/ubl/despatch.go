package ubl

import (
	"fmt"

	"aval/domain"
)

// Despatch is a despatch advice: what a supplier says is on its way.
type Despatch struct {
	ID     string      `json:"id"`
	Issued domain.Date `json:"issued,omitempty"`
	// Order is the order that it answers; lines may name others.
	Order    string `json:"order,omitempty"`
	Supplier Party  `json:"supplier"`
	// Receiver is to whom the goods go, Carrier who takes them.
	Receiver Party `json:"receiver"`
	Carrier  Party `json:"carrier,omitzero"`
	// Place is where they go.
	Place Identifier     `json:"place,omitzero"`
	Units []HandlingUnit `json:"units,omitempty"`
	Lines []DespatchLine `json:"lines"`
}

// HandlingUnit is a pallet or parcel.
type HandlingUnit struct {
	// ID is an SSCC in most documents; nothing says that its check digit is right.
	ID string `json:"id"`
	// Least and Most are the temperatures to be kept, nil where none is named.
	Least *Quantity `json:"least,omitempty"`
	Most  *Quantity `json:"most,omitempty"`
}

// DespatchLine is a line of a despatch advice.
type DespatchLine struct {
	ID        string    `json:"id"`
	Item      Item      `json:"item"`
	Delivered *Quantity `json:"delivered,omitempty"`
	// Outstanding is what is still to come.
	Outstanding *Quantity `json:"outstanding,omitempty"`
	OrderLine   string    `json:"orderLine,omitempty"`
	Order       string    `json:"order,omitempty"`
}

type despatchXML struct {
	ID             text `xml:"ID"`
	IssueDate      text `xml:"IssueDate"`
	OrderReference []struct {
		ID text `xml:"ID"`
	} `xml:"OrderReference"`
	DespatchSupplierParty *holder     `xml:"DespatchSupplierParty"`
	DeliveryCustomerParty *holder     `xml:"DeliveryCustomerParty"`
	Shipment              shipmentXML `xml:"Shipment"`
	DespatchLine          []struct {
		ID                  text      `xml:"ID"`
		DeliveredQuantity   *quantity `xml:"DeliveredQuantity"`
		OutstandingQuantity *quantity `xml:"OutstandingQuantity"`
		OrderLineReference  []lineOf  `xml:"OrderLineReference"`
		Item                item      `xml:"Item"`
	} `xml:"DespatchLine"`
}

type shipmentXML struct {
	Consignment []struct {
		CarrierParty *party `xml:"CarrierParty"`
	} `xml:"Consignment"`
	Delivery struct {
		DeliveryLocation struct {
			ID *identifier `xml:"ID"`
		} `xml:"DeliveryLocation"`
	} `xml:"Delivery"`
	TransportHandlingUnit []struct {
		ID      text           `xml:"ID"`
		Minimum temperatureXML `xml:"MinimumTemperature"`
		Maximum temperatureXML `xml:"MaximumTemperature"`
	} `xml:"TransportHandlingUnit"`
}

type temperatureXML struct {
	Measure *quantity `xml:"Measure"`
}

func (x *despatchXML) check() error {
	return bound(list{"DespatchLine", len(x.DespatchLine), MaxLines}, list{"TransportHandlingUnit", len(x.Shipment.TransportHandlingUnit), MaxList})
}

func (x *despatchXML) plain(r *report) *Despatch {
	d := &Despatch{
		ID: string(x.ID), Issued: r.day(x.IssueDate, "/cbc:IssueDate"), Supplier: x.DespatchSupplierParty.plain(),
		Receiver: x.DeliveryCustomerParty.plain(), Place: x.Shipment.Delivery.DeliveryLocation.ID.plain(),
	}
	for _, order := range x.OrderReference {
		d.Order = string(order.ID)
	}
	for _, c := range x.Shipment.Consignment {
		d.Carrier = c.CarrierParty.plain()
	}
	for i, u := range x.Shipment.TransportHandlingUnit {
		path := fmt.Sprintf("/cac:Shipment/cac:TransportHandlingUnit[%d]", i+1)
		d.Units = append(d.Units, HandlingUnit{
			ID: string(u.ID), Least: r.counted(u.Minimum.Measure, path+"/cac:MinimumTemperature"), Most: r.counted(u.Maximum.Measure, path+"/cac:MaximumTemperature"),
		})
	}
	for i, l := range x.DespatchLine {
		path := fmt.Sprintf("/cac:DespatchLine[%d]", i+1)
		line := DespatchLine{
			ID: string(l.ID), Item: l.Item.plain(), Delivered: r.counted(l.DeliveredQuantity, path+"/cbc:DeliveredQuantity"),
			Outstanding: r.counted(l.OutstandingQuantity, path+"/cbc:OutstandingQuantity"),
		}
		for _, ref := range l.OrderLineReference {
			line.OrderLine, line.Order = string(ref.LineID), string(ref.OrderReference.ID)
		}
		if line.Delivered != nil && line.Delivered.Value.IsNegative() {
			r.found(ruleDespatchQuantity, path+"/cbc:DeliveredQuantity", "%s, want no negative quantity", line.Delivered.Value)
		}
		r.sameUnit(path, line.Delivered, line.Outstanding)
		d.Lines = append(d.Lines, line)
	}
	return d
}

// sameUnit reports quantities of one line that cannot be compared.
func (r *report) sameUnit(path string, all ...*Quantity) {
	unit := ""
	for _, q := range all {
		switch {
		case q == nil:
		case unit == "":
			unit = q.Unit
		case q.Unit != "" && q.Unit != unit:
			r.found(RuleUnits, path, "quantities in %.20q and in %.20q", unit, q.Unit)
			return
		}
	}
}
