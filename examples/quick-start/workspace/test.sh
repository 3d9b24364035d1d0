#!/usr/bin/env bash
# Compares the total of each order with the one its .total file expects; exits 1 when any differs.
cd "$(dirname "$0")" || exit 2

failures=0
for order in orders/*.csv; do
  wanted="total $(cat "${order%.csv}.total")"
  found=$(bash receipt.sh "$order" 2>&1 | tail -n 1)
  if [ "$found" = "$wanted" ]; then
    echo "ok      $order"
  else
    echo "FAILED  $order: wanted \"$wanted\", found \"$found\""
    failures=$((failures + 1))
  fi
done
echo "$failures failed"
[ "$failures" -eq 0 ]
