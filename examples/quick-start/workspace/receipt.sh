#!/usr/bin/env bash
# Prints the receipt of an order: a line for each item, then the total.
# usage: receipt.sh ORDER.csv        each line of the order: name,quantity,price (euros.cents)
set -euo pipefail

total=0
while IFS=, read -r name quantity price; do
  euros=${price%.*}
  cents=${price#*.}
  amount=$((quantity * (euros * 100 + cents)))
  total=$((total + amount))
  printf '%-10s %2d x %6s %5d.%02d\n' "$name" "$quantity" "$price" $((amount / 100)) $((amount % 100))
done < "$1"
printf 'total %d.%02d\n' $((total / 100)) $((total % 100))
