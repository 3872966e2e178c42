package ens_test

import (
	"fmt"
	"log"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/siwe/ens"
)

func ExampleResolver_Cached() {
	resolver, err := ens.New([]string{"https://mainnet.example.com/key", "http://localhost:8545"}, ens.Options{
		OnError: func(err error) { log.Println("ENS:", err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer resolver.Close()

	account := common.HexToAddress("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045")
	if profile, known := resolver.Cached(account); known && profile.Name != "" {
		fmt.Println(profile.Name)
	}
}
