{{ config(materialized='view') }}

select
    first_channel,
    currency,
    count() as buyers,
    countIf(orders > 1) as returning_buyers,
    sum(net) as net
from {{ ref('customer_value') }}
group by first_channel, currency
