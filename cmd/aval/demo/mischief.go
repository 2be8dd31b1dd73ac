package demo

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"aval/domain"
	"aval/domain/envelope"
	"aval/iot"
	"aval/iot/gateway"
	"aval/iot/senml"
)

// mischief is a stranger with a gateway of its own. It repeats a message that it recorded,
// sends a cool reading under the device's name signed by itself, and a reading that the device signed for another ledger.
func (w *world) mischief(s *sensor, recorded []byte) error {
	forged, err := w.forge(s)
	if err != nil {
		return err
	}
	foreign, err := gateway.NewDevice(s.signer, senml.Pack{
		Ledger: "elsewhere.example/ledger", Kind: "invoice/1", Subject: s.shipment, Device: s.id, Epoch: 1,
	}, senml.FormatJWS)
	if err != nil {
		return err
	}
	stray, err := foreign.Sign(w.millis(), domain.ClockGNSS, cool(w.millis()))
	if err != nil {
		return err
	}
	return w.publishAsStranger(s.id, recorded, forged, stray)
}

// forge signs with the stranger's own key and claims that it is the device's.
func (w *world) forge(s *sensor) ([]byte, error) {
	stranger, err := envelope.NewSigner(envelope.ES256, rand.Reader)
	if err != nil {
		return nil, err
	}
	stranger.Key.ID = s.signer.Key.ID
	device, err := gateway.NewDevice(stranger, senml.Pack{
		Ledger: origin, Kind: "invoice/1", Subject: s.shipment, Device: s.id, Epoch: 2,
	}, senml.FormatJWS)
	if err != nil {
		return nil, err
	}
	return device.Sign(w.millis(), domain.ClockGNSS, cool(w.millis()))
}

func cool(at domain.Millis) []domain.Reading {
	return []domain.Reading{{Name: "temperature", Unit: "Cel", Value: 4000, Scale: 3, At: at}}
}

func (w *world) publishAsStranger(device string, messages ...[]byte) error {
	password, err := os.ReadFile(filepath.Join(w.node.Folder.Dir, shadowID+".password"))
	if err != nil {
		return err
	}
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + w.node.Broker.Address()).SetClientID(shadowID).
		SetUsername(shadowID).SetPassword(string(password)).SetAutoReconnect(false).SetConnectTimeout(patience))
	if token := client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		return fmt.Errorf("connect the stranger's gateway: %w", token.Error())
	}
	defer client.Disconnect(100)
	topic := iot.Topic{Net: netName, Org: string(member), Gateway: shadowID, Device: device, Class: iot.Readings}.String()
	for _, message := range messages {
		if token := client.Publish(topic, 1, false, message); !token.WaitTimeout(patience) || token.Error() != nil {
			return fmt.Errorf("publish as the stranger: %w", token.Error())
		}
	}
	return nil
}
