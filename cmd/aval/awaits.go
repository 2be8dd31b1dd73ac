package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"aval/api/client"
	"aval/domain"
)

// shipmentState is what of a shipment says what it waits for, as any of its parties sees it.
type shipmentState struct {
	Status string `json:"status"`
	Fields struct {
		DeliverBy domain.Millis `json:"deliverBy"`
		JudgeAt   domain.Millis `json:"judgeAt"`
		DecideAt  domain.Millis `json:"decideAt"`
	} `json:"fields"`
}

// awaits reads a shipment and says what it waits for next, and from whom.
func awaits(ctx context.Context, cl *client.Client, kind, shipment string) (string, error) {
	body, err := cl.Get(ctx, "/v1/contracts/"+strings.Replace(kind, "/", ":", 1)+":shipment:"+url.PathEscape(shipment))
	if err != nil {
		return "", err
	}
	var s shipmentState
	if err := json.Unmarshal(body, &s); err != nil {
		return "", fmt.Errorf("read shipment: %w", err)
	}
	return "is " + s.Status + ", and " + s.next(), nil
}

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
