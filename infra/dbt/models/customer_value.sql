{{ config(materialized='table', engine='MergeTree()', order_by=['customer_id', 'currency']) }}

select
    orders.customer_id as customer_id,
    orders.currency as currency,
    count() as orders,
    sum(orders.net) as net,
    assumeNotNull(min(orders.placed_at)) as first_order_at,
    assumeNotNull(max(orders.placed_at)) as last_order_at,
    any(customers.first_channel) as first_channel
from {{ source('daehwa', 'orders') }} as orders
left join {{ source('daehwa', 'customers') }} as customers
    on customers.customer_id = orders.customer_id
where orders.counts
group by customer_id, currency
