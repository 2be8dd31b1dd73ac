package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"aval/api/client"
	"aval/domain"
)

// shipmentState is what of a shipment says what it waits for, as any of its parties sees it.
type shipmentState struct {
	Status string `json:"status"`
	Fields struct {
		SSCC      string        `json:"sscc"`
		Container string        `json:"container"`
		DeliverBy domain.Millis `json:"deliverBy"`
		JudgeAt   domain.Millis `json:"judgeAt"`
		DecideAt  domain.Millis `json:"decideAt"`
	} `json:"fields"`
}

// readShipment reads a shipment as a party that may see it.
func readShipment(ctx context.Context, cl *client.Client, kind, shipment string) (s shipmentState, err error) {
	body, err := cl.Get(ctx, "/v1/contracts/"+strings.Replace(kind, "/", ":", 1)+":shipment:"+url.PathEscape(shipment))
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	if err != nil {
		err = fmt.Errorf("read shipment: %w", err)
	}
	return s, err
}

// about says whether an event that states these readings names the shipment's goods.
func (s shipmentState) about(readings []domain.Reading) bool {
	return slices.ContainsFunc(readings, func(r domain.Reading) bool {
		return r.Name == domain.QuantityGoods && (r.Text == s.Fields.SSCC || r.Text == s.Fields.Container) || r.Name == domain.QuantityWithdrawal
	})
}

// next says what it waits for, and from whom.
func (s shipmentState) next() string {
	switch s.Status {
	case "planned":
		return "waits for its despatch"
	case "despatched", "inTransit":
		if s.Fields.JudgeAt != 0 {
			return "waits for late messages until " + utcTime(s.Fields.JudgeAt) + "; then its delivery is judged"
		}
		return "waits for the arrival, from its devices and publishers"
	case "delivered", "inspection", "conditional":
		if s.Fields.DecideAt != 0 {
			return "waits for the buyer's word until " + utcTime(s.Fields.DecideAt)
		}
	}
	return "waits for nothing more from the carrier"
}
